/* SPDX-License-Identifier: ISC
 *
 * The element table: every row is found by its number and by its name, and names are unique.
 */
#include "flow/element.h"

#include "flow/element_table.h"
#include "tests/tap.h"

static void
check_name(const struct element *e, const char *want, uint8_t type, const char *what)
{
	if (ok(e != NULL, "%s is known", what)) {
		is_text(e->name, want, "its name");
		is_u64(e->type, type, "its type");
	}
}

static void
test_all(void)
{
	unsigned lost = 0, bad_key = 0, long_names = 0, twice = 0, iana = 0;

	for (size_t i = 0; i < element_count; i++) {
		const struct element *e = &element_list[i];
		char key[ELEMENT_NAME_SIZE + 8];

		lost += element_find(e->pen, e->id) != e;
		twice += element_by_name(e->name) != e;
		long_names += strlen(e->name) >= ELEMENT_NAME_SIZE;
		(void)snprintf(key, sizeof(key), ",\"%s\":", e->name);
		bad_key += strcmp(key, e->key) != 0 || strlen(key) != e->key_len;
		iana += e->pen == 0;
	}
	is_u64(lost, 0, "every element is found by its number");
	is_u64(twice, 0, "and by its name, which no other has");
	is_u64(bad_key, 0, "keys are their names'");
	is_u64(long_names, 0, "no name is too long");
	is_u64(iana, 502, "all of IANA's");
}

int
main(void)
{
	test_all();
	check_name(element_find(0, 1), "octetDeltaCount", ELEMENT_UNSIGNED, "1");
	is_text(element_find(0, 1)->unit, "octets", "its unit");
	is_text(element_find(0, 1)->semantics, "deltaCounter", "its semantics");
	check_name(element_find(0, 8), "sourceIPv4Address", ELEMENT_IPV4, "8");
	check_name(element_find(0, 27), "sourceIPv6Address", ELEMENT_IPV6, "27");
	check_name(element_find(0, 56), "sourceMacAddress", ELEMENT_MAC, "56");
	check_name(element_find(0, 82), "interfaceName", ELEMENT_STRING, "82");
	check_name(element_find(0, 95), "applicationId", ELEMENT_OCTETS, "95");
	check_name(element_find(0, 152), "flowStartMilliseconds", ELEMENT_MILLISECONDS, "152");
	check_name(element_find(0, 291), "basicList", ELEMENT_BASIC_LIST, "291");
	check_name(element_find(0, 292), "subTemplateList", ELEMENT_TEMPLATE_LIST, "292");
	check_name(element_find(0, 293), "subTemplateMultiList", ELEMENT_MULTI_LIST, "293");
	check_name(element_find(9, 232), "ingressAclId", ELEMENT_OCTETS, "Cisco's 232");
	check_name(element_find(0, 33000), "ingressAclId", ELEMENT_OCTETS, "its number in v9, 33000,");
	check_name(element_find(29305, 1), "reverseOctetDeltaCount", ELEMENT_UNSIGNED, "1 in reverse");
	check_name(element_find(29305, 506), "reverseGtpuMsgType", ELEMENT_UNSIGNED, "506 in reverse");
	ok(element_find(29305, 10) == NULL, "an interface has no reverse");
	check_name(element_find(0, 533), "pathDelaySumDeltaMicroseconds", ELEMENT_UNSIGNED, "533");
	check_name(element_find(6871, 14), "initialTCPFlags", ELEMENT_UNSIGNED, "CERT's 14");
	check_name(
	    element_find(6871, 14 | 0x4000), "reverseInitialTCPFlags", ELEMENT_UNSIGNED, "14 in reverse");
	ok(element_find(6871, 21 | 0x4000) == NULL, "what is a reverse has none");
	check_name(element_find(637, 93), "aluNatSubString", ELEMENT_STRING, "Nokia's 93");
	check_name(element_find(2636, 137), "juniperCommonPropertiesId", ELEMENT_OCTETS, "Juniper's 137");
	check_name(element_find(6876, 880), "tenantProtocol", ELEMENT_UNSIGNED, "VMware's 880");
	check_name(element_find(5951, 128), "roundTripTime", ELEMENT_UNSIGNED, "Citrix' 128");
	check_name(
	    element_find(5951, 133), "netscalerConnectionId", ELEMENT_UNSIGNED, "a name that is taken");
	ok(element_find(0, 0) == NULL && element_find(0, 127) == NULL && element_find(0, 32767) == NULL &&
		element_find(0, 65535) == NULL && element_find(9, 1) == NULL &&
		element_find(UINT32_MAX, 65535) == NULL,
	    "others are not");
	ok(element_by_name("noSuchElement") == NULL, "nor are other names");
	check_name(element_scope_v9(1), "scopeSystem", ELEMENT_UNSIGNED, "v9's scope 1");
	is_text(element_scope_v9(5)->name, "scopeTemplate", "v9's scope 5");
	is_text(element_scope_v9(10)->name, "ingressInterface", "another number is an element's");
	return done_testing();
}
