# SPDX-License-Identifier: ISC
#
# columns.py NAMES WHOLE JSON CSV: WHOLE is cat -F json, the others the same with --fields NAMES. Prints how many records were
# compared: of each the keys NAMES, in JSON as they are and in CSV as text.
import csv, json, sys

def text(name, value):
    if name == 'witnesses':
        return ' '.join(value)
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(',', ':'), ensure_ascii=False)
    return {True: 'true', False: 'false', None: ''}[value] if value is None or isinstance(value, bool) else str(value)

def same(name, value, got):
    if isinstance(value, (list, dict)) and name != 'witnesses':
        return json.loads(got) == value
    return got == text(name, value) or isinstance(value, float) and float(got) == value

csv.field_size_limit(1 << 30)
names = sys.argv[1].split(',')
wholes = [json.loads(l) for l in open(sys.argv[2])]
if 'options' not in names:
    wholes = [w for w in wholes if not w.get('options')]
keys = [json.loads(l) for l in open(sys.argv[3])]
lines = list(csv.reader(open(sys.argv[4], newline=''), strict=True))
assert lines[0] == names, lines[0]
assert len(wholes) == len(keys) == len(lines) - 1, (len(wholes), len(keys), len(lines))
for w, k, l in zip(wholes, keys, lines[1:]):
    assert list(k) == [n for n in names if n in w], (k, w)
    assert len(l) == len(names), l
    for n, c in zip(names, l):
        assert k.get(n) == w.get(n), (n, k, w)
        assert same(n, w[n], c) if n in w else c == '', (n, c, w)
print(len(wholes))
