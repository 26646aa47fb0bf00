#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The module against what `flowbraid cat -F json` prints. tests/api/perl.t makes the inputs and names them as for Python's tests.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Socket qw(AF_INET6 inet_pton);
use Test::More;

use Flowbraid qw(time_text);

my ($command, $archive, $damaged) = @ENV{qw(FLOWBRAID_COMMAND FLOWBRAID_ARCHIVE FLOWBRAID_DAMAGED)};
my @paths  = split /:/, $ENV{FLOWBRAID_PATHS};
my @corpus = split /:/, $ENV{FLOWBRAID_CORPUS_LOGS} // '';
my $json   = JSON::PP->new->canonical->allow_nonref->allow_bignum(0);

sub cat {
	my (@arguments) = @_;
	open my $in, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh', $command, 'cat', '-F', 'json', @arguments or die "cat: $!";
	my @flows = map { $json->decode($_) } <$in>;
	close $in;
	return @flows;
}

# IPv6 addresses have several forms.
sub canonical {
	my ($value) = @_;
	return 'null' unless defined $value;
	return '[' . join(',', map { canonical($_) } @$value) . ']' if ref $value eq 'ARRAY';
	return $value ? 1 : 0 if JSON::PP::is_bool($value);
	return $json->encode($value) if ref $value;
	return unpack 'H*', inet_pton(AF_INET6, $value) if $value =~ /^[0-9a-f:.]*:[0-9a-f:.]*$/ && defined inet_pton(AF_INET6, $value);
	return "$value";
}

# What differs between a flow and its JSON; nothing: ''.
sub difference {
	my ($flow, $told) = @_;
	for my $name ($flow->names) {
		my ($got, $want) = map { canonical($_) } $flow->get($name), $told->{$name};
		next if $got eq $want || unpack('H*', ref $flow->get($name) ? '' : $flow->get($name) // '') eq $want;
		next if $got =~ /^-?(inf|nan)/i;
		next if $got =~ /^-?[0-9.]+(e[-+]?\d+)?$/ && $want =~ /^-?[0-9.]+(e[-+]?\d+)?$/ && $got == $want;
		my @got = ref $flow->get($name) eq 'ARRAY' ? map { unpack 'H*', $_ // '' } @{$flow->get($name)} : ();
		next if @got && '[' . join(',', @got) . ']' eq $want;
		return "$name: $got instead of $want";
	}
	my $d = $flow->datagram;
	my %beside = (
		exporterPort => $d->{port}, domain => $d->{domain}, index => $flow->index, sequence => $d->{sequence} // 0,
		received => time_text($d->{received_ns}),
	);
	for my $name (keys %beside) {
		return "$name: $beside{$name} instead of $told->{$name}" if $beside{$name} ne $told->{$name};
	}
	for (['flowStart', $flow->start_ns], ['flowEnd', $flow->end_ns]) {
		my ($name, $ns) = @$_;
		return "$name: one has it" if defined $ns != defined $told->{$name};
		next unless defined $ns;
		my $digits = $told->{$name} =~ /\.(\d+)Z/ ? length $1 : 0;
		return "$name: " . time_text($ns, $digits) . " instead of $told->{$name}" if time_text($ns, $digits) ne $told->{$name};
	}
	return 'witnesses' if "@{$d->{witnesses} // []}" ne "@{$told->{witnesses} // []}";
	return 'tags' if join(',', $flow->tags) ne join ',', @{$told->{tags} // []};
	return 'late' if !$flow->late != !$told->{lateTemplate};
	return '';
}

for my $path (@paths, @corpus) {
	my @want   = cat($path);
	my $reader = Flowbraid->open($path, {options => 1});
	my ($count, $wrong) = (0, '');
	while (my $flow = $reader->next) {
		$wrong ||= difference($flow, $want[$count] // {});
		$count++;
	}
	is $count, scalar @want, "$path: $count flows";
	is $wrong, '', "$path: their values";
}

my $selected = Flowbraid->open($archive, {expression => 'dst port 53'});
my $count = 0;
while (my $flow = $selected->next) {
	$count++ if $flow->get('destinationTransportPort') == 53;
}
is $count, scalar(cat($archive, '--', 'dst port 53')), "an expression selects $count flows";
ok $count > 0, 'some, that is';

my $spanned = Flowbraid->open($archive, {since => 1699999999 * 10**9, until => 1700000001 * 10**9});
$count = 0;
$count++ while $spanned->next;
is $count, scalar(cat('--from', 1699999999, '--to', 1700000001, $archive)), "$count in a span";
ok $count > 0, 'some, that is';

my @told;
my $broken = Flowbraid->open($damaged, {on_finding => sub { push @told, @_ }});
$count = 0;
$count++ while $broken->next;
is $count, scalar(cat($damaged)), 'what is whole of a damaged log';
is $broken->findings, scalar @told, 'each damaged place is told';
like $told[0], qr/: offset \d+: /, 'with its place';

my $several = Flowbraid->open(@paths);
my $kept = $several->next;
my $octets = $kept->octets;
1 while $several->next;
$several->close;
is $kept->octets, $octets, 'a flow stays when the reader has gone on';
ok !eval { $several->next; 1 } && $@ =~ /closed/, 'a closed reader says so';
ok !eval { Flowbraid->open('nowhere'); 1 } && $@ =~ /^nowhere: No such file or directory/, 'what is no path';
ok !eval { Flowbraid->open($archive, {expression => 'dst prt 1'}); 1 } && $@ =~ /^expression, column 5: /, 'what is no expression';
ok !eval { Flowbraid->open($archive, {expresion => ''}); 1 } && $@ =~ /unknown option expresion/, 'what is no option';
ok !$kept->has('nonsense') && !defined $kept->get('nonsense'), 'what a flow does not have';
is time_text(-1, 9), '1969-12-31T23:59:59.999999999Z', 'a time before 1970';
is time_text(1709210096123456789, 6), '2024-02-29T12:34:56.123456Z', 'a leap day';
like Flowbraid::version(), qr/^\d+\.\d+\.\d+$/, 'the version';
done_testing;
