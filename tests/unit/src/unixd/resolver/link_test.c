/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/unixd/core/clock.h"

static struct idp_result
result(enum idp_class class, enum idp_reason reason)
{
	struct idp_result r = { .class = class, .reason = reason };

	return r;
}

static struct link
online(void)
{
	const struct idp_result ok = result(IDP_FOUND, IDP_OK);
	struct link l;

	assert_int_equal(link_init(&l, 0), LINK_DO_PROBE);
	assert_int_equal(link_mode(&l), MODE_STARTING);
	link_probe_begun(&l, 0);
	assert_int_equal(link_probe_done(&l, CLOCK_MS, &ok, 0), LINK_DO_TELL);
	assert_int_equal(link_mode(&l), MODE_ONLINE);
	return l;
}

static struct link
offline(enum idp_class class, enum idp_reason reason)
{
	const struct idp_result bad = result(class, reason);
	struct link l;

	link_init(&l, 0);
	link_probe_begun(&l, 0);
	assert_int_equal(link_probe_done(&l, CLOCK_MS, &bad, 0), LINK_DO_TELL);
	assert_int_equal(link_mode(&l), MODE_OFFLINE);
	return l;
}

static void
one_failed_request_makes_it_suspect_and_a_probe_decides(void **state)
{
	const struct idp_result bad = result(IDP_UNREACHABLE, IDP_CONN_REFUSED);
	struct link l = online();

	(void)state;
	assert_int_equal(link_trouble(&l, CLOCK_S, &bad), LINK_DO_PROBE);
	assert_int_equal(link_mode(&l), MODE_SUSPECT);
	assert_true(link_is_online(&l));
	link_probe_begun(&l, CLOCK_S);
	assert_int_equal(link_trouble(&l, CLOCK_S, &bad), 0);
	assert_int_equal(link_probe_done(&l, CLOCK_S, &bad, 0), LINK_DO_TELL);
	assert_int_equal(link_mode(&l), MODE_OFFLINE);
	assert_int_equal(l.reason, IDP_CONN_REFUSED);
}

static void
a_late_answer_makes_it_suspect_and_any_answer_heals(void **state)
{
	struct link l = online();

	(void)state;
	assert_int_equal(link_trouble(&l, CLOCK_S, NULL), LINK_DO_PROBE);
	assert_int_equal(l.reason, IDP_TIMED_OUT);
	assert_int_equal(link_heard(&l, CLOCK_S), 0);
	assert_int_equal(link_mode(&l), MODE_ONLINE);
	assert_int_equal(l.reason, IDP_OK);
}

static void
probes_back_off_to_a_minute_with_a_spread(void **state)
{
	const int64_t want[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	const struct idp_result bad = result(IDP_UNREACHABLE, IDP_DNS);
	struct link l, spread;
	int64_t now = 0;
	size_t i;

	(void)state;
	link_init(&l, 0);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		link_probe_begun(&l, now);
		spread = l;
		link_probe_done(&l, now, &bad, 0);
		assert_int_equal(l.next_try - now, want[i] * CLOCK_S);
		link_probe_done(&spread, now, &bad, 1023);
		assert_true(spread.next_try < l.next_try);
		assert_true(spread.next_try - now >= want[i] * CLOCK_S * 3 / 4);
		assert_int_equal(link_tick(&l, l.next_try - 1), 0);
		assert_int_equal(link_tick(&l, l.next_try), LINK_DO_PROBE);
		now = l.next_try;
	}
}

static void
the_same_failure_is_told_once_and_another_reason_again(void **state)
{
	const struct idp_result dns = result(IDP_UNREACHABLE, IDP_DNS);
	const struct idp_result tls = result(IDP_UNREACHABLE, IDP_TLS_UNKNOWN_ISSUER);
	struct link l = offline(IDP_UNREACHABLE, IDP_DNS);

	(void)state;
	assert_int_equal(link_probe_done(&l, 2 * CLOCK_S, &dns, 0), 0);
	assert_int_equal(link_probe_done(&l, 3 * CLOCK_S, &tls, 0), LINK_DO_TELL);
}

static void
being_refused_is_not_online_and_keeps_its_reason(void **state)
{
	const struct idp_result no_rights = result(IDP_REFUSED, IDP_NO_RIGHTS);
	struct link l = offline(IDP_REFUSED, IDP_TOKEN_REFUSED);

	(void)state;
	assert_true(l.refused);
	assert_int_equal(l.reason, IDP_TOKEN_REFUSED);
	assert_false(link_is_online(&l));
	l = online();
	assert_int_equal(link_probe_done(&l, CLOCK_S, &no_rights, 0), LINK_DO_TELL);
	assert_int_equal(link_mode(&l), MODE_OFFLINE);
}

static void
a_network_change_is_tried_at_once_but_not_in_every_event_of_a_burst(void **state)
{
	const struct idp_result bad = result(IDP_UNREACHABLE, IDP_DNS);
	struct link l = offline(IDP_UNREACHABLE, IDP_DNS);

	(void)state;
	assert_int_equal(link_network_changed(&l, 100 * CLOCK_S), LINK_DO_PROBE);
	link_probe_begun(&l, 100 * CLOCK_S);
	assert_int_equal(link_network_changed(&l, 100 * CLOCK_S), 0);
	link_probe_done(&l, 100 * CLOCK_S + CLOCK_MS, &bad, 0);
	assert_int_equal(link_network_changed(&l, 100 * CLOCK_S + 2 * CLOCK_MS), 0);
	assert_int_equal(l.next_try, 101 * CLOCK_S);
	l = online();
	assert_int_equal(link_network_changed(&l, 100 * CLOCK_S), 0);
	assert_int_equal(link_mode(&l), MODE_ONLINE);
}

static void
after_a_sleep_nothing_is_believed(void **state)
{
	struct link l = online();

	(void)state;
	assert_int_equal(link_resumed(&l, 100 * CLOCK_S), LINK_DO_PROBE);
	assert_int_equal(link_mode(&l), MODE_SUSPECT);
	l = offline(IDP_UNREACHABLE, IDP_DNS);
	assert_int_equal(link_resumed(&l, 100 * CLOCK_S), LINK_DO_PROBE);
}

static void
demand_probes_at_most_every_five_seconds(void **state)
{
	struct link l = offline(IDP_UNREACHABLE, IDP_DNS);

	(void)state;
	assert_int_equal(link_demand(&l, 4 * CLOCK_S), 0);
	assert_int_equal(link_demand(&l, 5 * CLOCK_S), LINK_DO_PROBE);
	link_probe_begun(&l, 5 * CLOCK_S);
	assert_int_equal(link_demand(&l, 50 * CLOCK_S), 0);
	l = online();
	assert_int_equal(link_demand(&l, 50 * CLOCK_S), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_failed_request_makes_it_suspect_and_a_probe_decides),
		cmocka_unit_test(a_late_answer_makes_it_suspect_and_any_answer_heals),
		cmocka_unit_test(probes_back_off_to_a_minute_with_a_spread),
		cmocka_unit_test(the_same_failure_is_told_once_and_another_reason_again),
		cmocka_unit_test(being_refused_is_not_online_and_keeps_its_reason),
		cmocka_unit_test(
		    a_network_change_is_tried_at_once_but_not_in_every_event_of_a_burst),
		cmocka_unit_test(after_a_sleep_nothing_is_believed),
		cmocka_unit_test(demand_probes_at_most_every_five_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
