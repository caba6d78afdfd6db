/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Plays one login .rpl file: who types what when, what server, disk and lanes do, and what
 * must be answered at which (virtual) millisecond. README.md beside this file has the
 * words. No thread, no socket, no sleep; and after every line of the journal it is looked
 * for passwords in it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "ku/wire.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/login/internal.h"

#define WORDS_MAX     32
#define ASKS_MAX      2048
#define NAME_OF_CROWD "u%u"

struct words {
	char *v[WORDS_MAX];
	size_t n;
};

/* One login that was begun. */
struct ask {
	char id[64];
	int64_t begun;
	int64_t told_at; /* -1: not yet */
	unsigned times;
	struct login_call *call;
	char verdict[32];
};

static const char *file;
static int line_no, failures;
static struct login *engine;
static struct config config;
static char *groups[] = { NULL, NULL };
static char *callers[4];
static struct ask asks[ASKS_MAX];
static size_t n_asks;
static struct ask crowd[ASKS_MAX];
static size_t n_crowd;
static int64_t zero;
static char journal[1 << 20];
static size_t journal_len;
static char typed[64][128]; /* every password of the play */
static size_t n_typed;

static void printf_(1, 2) fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line_no);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	failures++;
}

/* In the place of the real one. */
void
log_at(enum log_level level, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (i = 0; i < n_typed; i++) {
		if (strstr(text, typed[i]) != NULL)
			fail("a password in the journal: %s", text);
	}
	if (level == LOG_LEVEL_DEBUG)
		return;
	if (journal_len + strlen(text) + 2 < sizeof(journal))
		journal_len += (size_t)snprintf(journal + journal_len,
		    sizeof(journal) - journal_len, "%s\n", text);
}

static const char *
value(const struct words *w, const char *key)
{
	size_t len = strlen(key), i;

	for (i = 0; i < w->n; i++) {
		if (strncmp(w->v[i], key, len) == 0 && w->v[i][len] == '=')
			return w->v[i] + len + 1;
	}
	return NULL;
}

static long
number(const struct words *w, const char *key, long otherwise)
{
	const char *v = value(w, key);

	return v != NULL ? atol(v) : otherwise;
}

/* ---- time ---- */

static int64_t
now(void)
{
	return play.loop.ts.now.mono_ns;
}

static void
go_to(int64_t at)
{
	struct clock *c = &play.loop.ts.now;
	int64_t by = at - c->mono_ns;

	c->mono_ns += by;
	c->boot_ns += by;
	c->wall_ns += by;
}

static bool
step(int64_t limit)
{
	int64_t next = timers_next(&play.loop.ts);

	if (next < 0 || next > limit)
		return false;
	if (next > now())
		go_to(next);
	timers_run(&play.loop.ts);
	return true;
}

static void
advance(int64_t to)
{
	while (step(to))
		;
	if (to > now())
		go_to(to);
}

/* ---- the engine ---- */

static void
start(void)
{
	const struct login_ports ports = { .loop = &play.loop,
		.uid_map_path = "/nonexistent/uid_map" };

	if (engine == NULL && login_new(&ports, &config, &engine) < 0)
		abort();
}

static void
forget_asks(void)
{
	n_asks = 0;
	n_crowd = 0;
}

static void
stop(bool cut)
{
	engine = login_free(engine);
	if (cut)
		disk_cut();
	else
		disk_flush();
	fake_idp_stop();
	forget_asks();
}

/* ---- asking ---- */

static const char *
word_of(uint16_t status, enum ku_auth_verdict verdict, unsigned seconds)
{
	static const char *const verdicts[] = { "nothing", "ok", "cached", "denied",
		"wrong", "none", "suspended", "wait", "too-old", "invalid" };
	static char wait[32];

	switch (status) {
	case KU_ST_OK:
		break;
	case KU_ST_NOTFOUND:
		return "notfound";
	case KU_ST_UNAVAIL:
		return "unavail";
	case KU_ST_BUSY:
		return "busy";
	case KU_ST_DENIED:
		return "refused";
	case KU_ST_LOCAL:
		return "local";
	default:
		return "?";
	}
	if (verdict == KU_AUTH_WAIT) {
		snprintf(wait, sizeof(wait), "wait=%u", seconds);
		return wait;
	}
	return verdict < ARRAY_SIZE(verdicts) ? verdicts[verdict] : "?";
}

static void
on_auth(void *arg, uint16_t status, enum ku_auth_verdict verdict, unsigned seconds)
{
	struct ask *a = arg;

	a->times++;
	a->told_at = now();
	snprintf(a->verdict, sizeof(a->verdict), "%s", word_of(status, verdict, seconds));
}

static void
remember(const char *password)
{
	size_t i;

	for (i = 0; i < n_typed; i++) {
		if (streq(typed[i], password))
			return;
	}
	if (n_typed < ARRAY_SIZE(typed))
		snprintf(typed[n_typed++], sizeof(typed[0]), "%s", password);
}

static void
ask(struct ask *a, const char *id, const char *name, const char *password,
    const struct words *w)
{
	struct login_request q = { .caller = (uid_t)number(w, "caller", 0),
		.service = "sshd",
		.tty = "ssh",
		.rhost = "198.51.100.7" };

	start();
	remember(password);
	*a = (struct ask){ .begun = now(), .told_at = -1 };
	snprintf(a->id, sizeof(a->id), "%s", id);
	if (name_parse(name, strlen(name), &q.name) < 0) {
		fail("%s is no name", name);
		return;
	}
	a->call = login_auth(engine, &q, secret_copy(password, strlen(password)), on_auth,
	    a);
	if ((a->call == NULL) != (a->told_at >= 0))
		fail("answered at once and not, or neither");
}

static long
took_ms(const struct ask *a)
{
	return (long)((a->told_at - a->begun) / CLOCK_MS);
}

/* `-> WORD [at MS] [within MS] [after MS]` */
static void
compare(const struct ask *a, const struct words *w)
{
	size_t i;

	for (i = 0; i < w->n && !streq(w->v[i], "->"); i++)
		;
	if (i + 1 >= w->n)
		return;
	if (a->told_at < 0) {
		fail("no answer");
		return;
	}
	if (!streq(a->verdict, w->v[i + 1]))
		fail("%s, not %s (after %ld ms)", a->verdict, w->v[i + 1], took_ms(a));
	for (i += 2; i + 1 < w->n; i += 2) {
		long ms = atol(w->v[i + 1]);

		if ((streq(w->v[i], "at") && took_ms(a) != ms) ||
		    (streq(w->v[i], "within") && took_ms(a) > ms) ||
		    (streq(w->v[i], "after") && took_ms(a) < ms))
			fail("%s after %ld ms, not %s %ld", a->verdict, took_ms(a),
			    w->v[i], ms);
	}
}

static void
say_login(const struct words *w)
{
	struct ask *a = &asks[n_asks++ % ASKS_MAX];
	int64_t limit;

	ask(a, "", w->v[1], w->v[2], w);
	limit = now() + (config.auth_deadline_ms + 10000) * CLOCK_MS;
	while (a->told_at < 0 && step(limit))
		;
	compare(a, w);
	if (a->told_at >= 0 && took_ms(a) > (long)config.auth_deadline_ms)
		fail("answered after the deadline: %ld ms", took_ms(a));
}

static struct ask *
find(const char *id)
{
	size_t i;

	for (i = 0; i < n_asks; i++) {
		if (streq(asks[i].id, id))
			return &asks[i];
	}
	fail("nobody began %s", id);
	return &asks[0];
}

/* ---- people ---- */

static void
say_person(const struct words *w)
{
	struct person *p = person_find(w->v[1]);
	const char *v;

	if (p == NULL) {
		p = xcalloc(1, sizeof(*p));
		snprintf(p->name, sizeof(p->name), "%s", w->v[1]);
		snprintf(p->spn, sizeof(p->spn), "%s@example.com", w->v[1]);
		p->uuid.b[0] = (uint8_t)(play.n_people >> 8);
		p->uuid.b[1] = (uint8_t)play.n_people;
		p->uuid.b[15] = 1;
		p->uid = 2000 + (uint32_t)play.n_people;
		p->valid = true;
		p->cached = true;
		play.people[play.n_people++] = p;
	}
	if ((v = value(w, "password")) != NULL) {
		snprintf(p->password, sizeof(p->password), "%s", v);
		remember(v);
	}
	if ((v = value(w, "valid")) != NULL)
		p->valid = streq(v, "yes");
	if ((v = value(w, "cached")) != NULL)
		p->cached = streq(v, "yes");
	if ((v = value(w, "local")) != NULL)
		p->local = streq(v, "yes");
	if ((v = value(w, "deleted")) != NULL)
		p->deleted = streq(v, "yes");
	p->uid = (uint32_t)number(w, "uid", p->uid);
}

/* On the disk, before the engine starts. */
static void
say_credential(const struct words *w)
{
	const struct person *p = person_find(w->v[1]);
	char verifier[CRYPT_MAX_VERIFIER];
	uint8_t blob[CRED_MAX_BLOB];
	int64_t wall = play.loop.ts.now.wall_ns / CLOCK_S;
	struct creds cs;
	struct cred *c;

	if (p == NULL || engine != NULL) {
		fail("too late, or nobody");
		return;
	}
	remember(w->v[2]);
	creds_init(&cs);
	c = creds_get(&cs, &p->uuid);
	cred_set_verifier(c, verifier, fake_verifier(w->v[2], verifier));
	c->stored_at = c->proven_at = wall - number(w, "age", 100);
	guess_restore(&c->guess, (uint32_t)number(w, "fails", 0),
	    (uint32_t)number(w, "left", 0), now());
	guess_restore(&c->hidden, (uint32_t)number(w, "hidden-fails", 0), 0, now());
	c->suspended = value(w, "suspended") != NULL;
	c->suspended_at = c->suspended ? wall - number(w, "suspended", 0) : 0;
	disk_put_cred(&p->uuid, blob, cred_pack(c, now(), blob));
	disk_put_value("hmac-key", "A", 1);
	creds_deinit(&cs);
}

static void
say_crowd_people(const struct words *w)
{
	unsigned n = (unsigned)atoi(w->v[1]), i;

	for (i = 0; i < n; i++) {
		char name[32], password[64];
		struct words one = { .n = 3 };

		snprintf(name, sizeof(name), NAME_OF_CROWD, i);
		snprintf(password, sizeof(password), "password=%s", w->v[2]);
		one.v[0] = w->v[0];
		one.v[1] = name;
		one.v[2] = password;
		say_person(&one);
		one.v[2] = w->v[2];
		if (value(w, "credential") != NULL)
			say_credential(&one);
	}
}

/* `crowd N PASSWORD [one=NAME] [wrong=K]`: every K-th types something else. */
static void
say_crowd(const struct words *w)
{
	long every = number(w, "wrong", 0);
	const char *one = value(w, "one");
	unsigned i;

	n_crowd = (size_t)atoi(w->v[1]);
	for (i = 0; i < n_crowd; i++) {
		bool wrong = every > 0 && i % every == 0;
		char name[32];

		snprintf(name, sizeof(name), NAME_OF_CROWD, i);
		ask(&crowd[i], "", one != NULL ? one : name,
		    wrong ? "guessed-it" : w->v[2], w);
	}
}

/* `crowd-told WORD N [or WORD N]...` all by the deadline; no word that is not listed. */
static void
say_crowd_told(const struct words *w)
{
	int64_t limit = now() + (config.auth_deadline_ms + 1) * CLOCK_MS;
	size_t i, k, listed = 0;

	while (step(limit))
		;
	for (k = 1; k + 1 < w->n; k += 2) {
		size_t n = 0, want = (size_t)atoi(w->v[k + 1]);

		for (i = 0; i < n_crowd; i++)
			n += streq(crowd[i].verdict, w->v[k]);
		listed += n;
		if (!streq(w->v[k + 1], "any") && n != want)
			fail("%zu %s, not %s", n, w->v[k], w->v[k + 1]);
	}
	if (listed != n_crowd)
		fail("%zu of %zu have another answer, or none", n_crowd - listed,
		    n_crowd);
	for (i = 0; i < n_crowd; i++) {
		if (crowd[i].told_at >= 0 &&
		    took_ms(&crowd[i]) > (long)config.auth_deadline_ms)
			fail("u%zu after the deadline: %ld ms", i, took_ms(&crowd[i]));
		if (crowd[i].times > 1)
			fail("u%zu was told %u times", i, crowd[i].times);
	}
}

/* ---- the world ---- */

static bool
one_of(const char *word, const char *const *list, size_t n, int *ret)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (streq(list[i], word)) {
			*ret = (int)i;
			return true;
		}
	}
	fail("what is \"%s\"?", word);
	return false;
}

static void
say_config(const struct words *w)
{
	static char caller[32];
	const char *v = value(w, "caller");

	config.auth_deadline_ms = (unsigned)number(w, "deadline",
	    config.auth_deadline_ms);
	config.offline_auth_max_age_s = (unsigned)number(w, "max_age",
	    config.offline_auth_max_age_s);
	if (v != NULL) {
		snprintf(caller, sizeof(caller), "%s", v);
		callers[0] = caller;
	}
	if (engine != NULL)
		login_reconfigure(engine, &config);
}

static void
say_server(const struct words *w)
{
	static const char *const moods[] = { "ok", "silent", "trouble", "refuses",
		"error" };
	int i;

	if (one_of(w->v[1], moods, ARRAY_SIZE(moods), &i))
		play.server = (enum server_mood)i;
	play.latency_ms = (int)number(w, "latency", play.latency_ms);
	play.fetch_ms = (int)number(w, "fetch", play.fetch_ms);
	if (value(w, "soft-lock") != NULL)
		play.soft_lock = true;
}

static void
say_link(const struct words *w)
{
	static const char *const modes[] = { "online", "suspect", "offline", "starting" };
	static const enum link_mode of[] = { MODE_ONLINE, MODE_SUSPECT, MODE_OFFLINE,
		MODE_STARTING };
	int i;

	if (one_of(w->v[1], modes, ARRAY_SIZE(modes), &i))
		play.link = of[i];
}

static void
say_disk(const struct words *w)
{
	static const char *const moods[] = { "ok", "fails", "hangs", "unreadable" };
	int i;

	if (one_of(w->v[1], moods, ARRAY_SIZE(moods), &i))
		play.disk = (enum disk_mood)i;
	play.commit_ms = (int)number(w, "commit", play.commit_ms);
}

static void
say_lanes(const struct words *w)
{
	play.kdf_ms = (int)number(w, "kdf", play.kdf_ms);
	play.open_ms = (int)number(w, "open", play.open_ms);
	play.lanes_lie = value(w, "lie") != NULL;
}

static void
say_pin(const struct words *w)
{
	play.pin_is_new = streq(w->v[1], "new");
	play.pin_is_gone = streq(w->v[1], "gone");
}

static void
say_hidden(void)
{
	start();
	engine->callers.hides = true;
}

static bool
event(const struct words *w)
{
	const char *verb = w->v[0];
	struct ask *a;

	if (streq(verb, "config")) {
		say_config(w);
	} else if (streq(verb, "server")) {
		say_server(w);
	} else if (streq(verb, "link")) {
		say_link(w);
	} else if (streq(verb, "disk")) {
		say_disk(w);
	} else if (streq(verb, "lanes")) {
		say_lanes(w);
	} else if (streq(verb, "pin")) {
		say_pin(w);
	} else if (streq(verb, "callers-are-hidden")) {
		say_hidden();
	} else if (streq(verb, "person")) {
		say_person(w);
	} else if (streq(verb, "people")) {
		say_crowd_people(w);
	} else if (streq(verb, "credential")) {
		say_credential(w);
	} else if (streq(verb, "start")) {
		start();
	} else if (streq(verb, "restart")) {
		stop(false);
		start();
	} else if (streq(verb, "power-cut")) {
		stop(true);
		start();
	} else if (streq(verb, "stop")) {
		stop(false);
	} else if (streq(verb, "wall")) {
		play.loop.ts.now.wall_ns += atol(w->v[1]) * CLOCK_S;
	} else if (streq(verb, "clear")) {
		login_clear(engine);
	} else if (streq(verb, "forget")) {
		login_forget(engine, &person_find(w->v[1])->uuid);
	} else if (streq(verb, "login")) {
		say_login(w);
	} else if (streq(verb, "begin")) {
		ask(&asks[n_asks++ % ASKS_MAX], w->v[1], w->v[2], w->v[3], w);
	} else if (streq(verb, "cancel")) {
		a = find(w->v[1]);
		login_cancel(a->call);
		a->call = NULL;
	} else if (streq(verb, "told")) {
		compare(find(w->v[1]), w);
	} else if (streq(verb, "untold")) {
		if (find(w->v[1])->told_at >= 0)
			fail("%s was told %s", w->v[1], find(w->v[1])->verdict);
	} else if (streq(verb, "crowd")) {
		say_crowd(w);
	} else if (streq(verb, "crowd-told")) {
		say_crowd_told(w);
	} else {
		return false;
	}
	return true;
}

/* ---- what must be true ---- */

static char pairs[8192];

static void
on_pair(void *arg, const char *key, const char *text)
{
	(void)arg;
	snprintf(pairs + strlen(pairs), sizeof(pairs) - strlen(pairs), "%s=%s\n", key,
	    text);
}

static void
on_line(void *arg, const char *text)
{
	(void)arg;
	snprintf(pairs + strlen(pairs), sizeof(pairs) - strlen(pairs), "%s\n", text);
}

/* The words from `from` on, blanks between them. */
static const char *
rest(const struct words *w, size_t from)
{
	static char text[512];
	size_t i;

	text[0] = '\0';
	for (i = from; i < w->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
		    i > from ? " " : "", w->v[i]);
	return text;
}

static void
expect_number(const char *what, size_t is, const char *want)
{
	if (is != (size_t)atol(want))
		fail("%s: %zu, not %s", what, is, want);
}

static struct cred *
cred_of(const char *name)
{
	return creds_find(&engine->creds, &person_find(name)->uuid);
}

/* What a start would find now. */
static struct cred *
stored(const char *name, struct creds *cs)
{
	uint8_t blob[4096];
	size_t len = disk_cred(&person_find(name)->uuid, blob);
	struct cred *c;

	if (len == 0)
		return NULL;
	c = creds_get(cs, &person_find(name)->uuid);
	if (cred_unpack(blob, len, now(), c) < 0)
		fail("what is stored of %s is broken", name);
	return c;
}

static bool
holds(const struct cred *c, const char *password)
{
	char verifier[CRYPT_MAX_VERIFIER];
	size_t len = fake_verifier(password, verifier);

	return c != NULL && c->verifier_len == len &&
	    memcmp(c->verifier, verifier, len) == 0;
}

static void
expect_cred(const struct cred *c, const struct words *w)
{
	const char *what = w->v[3];

	if (streq(what, "nothing")) {
		if (c != NULL && c->verifier != NULL)
			fail("there is a credential");
	} else if (streq(what, "holds")) {
		if (!holds(c, w->v[4]))
			fail("it does not hold that password");
	} else if (streq(what, "suspended")) {
		if (c == NULL || !c->suspended)
			fail("it is not suspended");
	} else if (streq(what, "unsuspended")) {
		if (c == NULL || c->suspended)
			fail("it is suspended");
	} else if (streq(what, "fails")) {
		expect_number("fails", c != NULL ? c->guess.fails : 0, w->v[4]);
	} else if (streq(what, "hidden-fails")) {
		expect_number("hidden fails", c != NULL ? c->hidden.fails : 0, w->v[4]);
	} else {
		fail("what is \"%s\"?", what);
	}
}

static bool
expect_count(const struct words *w)
{
	const struct {
		const char *word;
		size_t is;
	} counts[] = {
		{ "ready", engine != NULL ? login_n_ready(engine) : 0 },
		{ "calls", engine != NULL ? engine->n_calls : 0 },
		{ "asked", play.asked },
		{ "checks", play.checks },
		{ "checks-behind", play.checks_behind },
		{ "makes", play.makes },
		{ "lates", play.lates },
		{ "heards", play.heards },
		{ "probes", play.probes },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		if (!streq(counts[i].word, w->v[1]))
			continue;
		expect_number(w->v[1], counts[i].is, w->v[2]);
		return true;
	}
	return false;
}

static void
expect_text(const struct words *w, bool wanted)
{
	struct name name;
	size_t from = 2;

	pairs[0] = '\0';
	if (streq(w->v[1], "status")) {
		login_status(engine, on_pair, NULL);
	} else if (streq(w->v[1], "explain")) {
		if (name_parse(w->v[2], strlen(w->v[2]), &name) == 0)
			login_explain(engine, &name, on_line, NULL);
		from = 3;
	} else if (streq(w->v[1], "journal")) {
		if ((strstr(journal, rest(w, 2)) != NULL) != wanted)
			fail("the journal: %s", journal);
		return;
	} else {
		fail("what is \"%s\"?", w->v[1]);
		return;
	}
	if ((strstr(pairs, rest(w, from)) != NULL) != wanted)
		fail("%s: %s", w->v[1], pairs);
}

static bool
expect(const struct words *w)
{
	bool wanted = streq(w->v[0], "expect");
	struct creds cs;

	if ((!wanted && !streq(w->v[0], "refuse")) || w->n < 3)
		return false;
	start();
	if (streq(w->v[1], "credential")) {
		expect_cred(cred_of(w->v[2]), w);
	} else if (streq(w->v[1], "stored")) {
		creds_init(&cs);
		expect_cred(stored(w->v[2], &cs), w);
		creds_deinit(&cs);
	} else if (streq(w->v[1], "value")) {
		if (disk_has_value(w->v[2]) != wanted)
			fail("value %s", w->v[2]);
	} else if (streq(w->v[1], "learned")) {
		expect_number("learned", person_find(w->v[2])->learned, w->v[3]);
	} else if (!expect_count(w)) {
		expect_text(w, wanted);
	}
	return true;
}

/* ---- the file ---- */

static void
split(struct words *w, char *line)
{
	char *save = NULL, *word;

	w->n = 0;
	for (word = strtok_r(line, " \t\r\n", &save); word != NULL && w->n < WORDS_MAX;
	     word = strtok_r(NULL, " \t\r\n", &save))
		w->v[w->n++] = word;
}

static void
play_line(char *line)
{
	struct words w = { 0 };

	line[strcspn(line, "#")] = '\0';
	split(&w, line);
	if (w.n > 1 && (streq(w.v[0], "at") || streq(w.v[0], "after"))) {
		start();
		advance((streq(w.v[0], "at") ? zero : now()) + atol(w.v[1]) * CLOCK_MS);
		memmove(w.v, w.v + 2, (w.n - 2) * sizeof(w.v[0]));
		w.n -= 2;
	}
	if (w.n > 0 && !event(&w) && !expect(&w))
		fail("what is \"%s\"?", w.v[0]);
}

static void
set_up(void)
{
	struct clock *c = &play.loop.ts.now;

	timers_init(&play.loop.ts);
	c->mono_ns = zero = 1000 * CLOCK_S;
	c->boot_ns = 1000 * CLOCK_S;
	c->wall_ns = INT64_C(1795200000) * CLOCK_S;
	play.latency_ms = 60;
	play.fetch_ms = 20;
	play.commit_ms = 5;
	play.kdf_ms = 300;
	play.link = MODE_ONLINE;
	groups[0] = xstrdup("everybody");
	config.auth_deadline_ms = 2500;
	config.pam_allowed_login_groups = groups;
	config.pam_allowed_callers = callers;
	config.home_prefix = groups[0];
}

static void
tear_down(void)
{
	size_t i;

	stop(false);
	disk_clear();
	for (i = 0; i < play.n_people; i++)
		free(play.people[i]);
	timers_deinit(&play.loop.ts);
	free(groups[0]);
}

int
main(int argc, char **argv)
{
	char line[1024];
	FILE *f;

	if (argc != 2 || (f = fopen(argv[1], "re")) == NULL) {
		fprintf(stderr, "usage: login_replay FILE.rpl\n");
		return 2;
	}
	file = argv[1];
	set_up();
	while (fgets(line, sizeof(line), f) != NULL) {
		line_no++;
		play_line(line);
	}
	fclose(f);
	tear_down();
	return failures == 0 ? 0 : 1;
}
