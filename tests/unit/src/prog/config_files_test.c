/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the key table says and what people read cannot differ: etc/kanidm/{config,unixd}.example
 * and the table of docs/config.md are made here from keys.h and compared. With
 * KU_REGENERATE in the environment they are written instead.
 */
#include "loaded.h"
#include "src/prog/keys.h"
#include "src/prog/toml.h"

#define ETC KU_SOURCE_DIR "/etc/kanidm/"
#define DOC KU_SOURCE_DIR "/docs/config.md"

#define DOC_BEGIN "<!-- keys: begin -->\n"
#define DOC_END   "<!-- keys: end -->\n"

static int
plain_paths(void)
{
	return strcmp(KU_PATH_RUNDIR, "/run/kanidm-unixd") == 0 &&
	    strcmp(KU_PATH_CACHEDIR, "/var/cache/kanidm-unixd") == 0 &&
	    strcmp(KU_PATH_STATEDIR, "/var/lib/kanidm-unixd") == 0 &&
	    strcmp(KU_PATH_TOKEN, "/etc/kanidm/token") == 0;
}

/* A text as comment lines of at most 78 columns. */
static void
put_comment(FILE *f, const char *text)
{
	while (*text != '\0') {
		size_t n = strlen(text);

		if (n > 76) {
			for (n = 76; text[n] != ' '; n--)
				assert_true(n > 0);
		}
		(void)fprintf(f, "# %.*s\n", (int)n, text);
		text += n;
		text += *text == ' ';
	}
}

static void
put_section(FILE *f, enum config_file file, enum config_section section)
{
	for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
		const struct config_key *k = &config_keys[i];
		const char *value = k->sample_toml != NULL ? k->sample_toml
							   : k->default_toml;
		cleanup_(freep) char *accepts = xasprintf("Takes %s.",
		    config_type_accepts(k->type));

		if (k->file != file || k->section != section)
			continue;
		(void)fputc('\n', f);
		put_comment(f, k->doc);
		if (k->type == CONFIG_VERSION) {
			(void)fprintf(f, "%s = %s\n", k->name, value);
			continue;
		}
		put_comment(f, accepts);
		if (k->default_toml == NULL || k->sample_toml != NULL)
			(void)fprintf(f, "# Default: %s. For example:\n",
			    k->default_toml != NULL ? k->default_toml : "not set");
		(void)fprintf(f, "#%s = %s\n", k->name, value);
	}
}

static void
put_example(FILE *f, enum config_file file)
{
	(void)fprintf(f, "# SPDX-License-Identifier: MPL-2.0\n");
	if (file == CONFIG_FILE_CLIENT) {
		put_comment(f,
		    "Every key of /etc/kanidm/config. A line that begins with # and no blank "
		    "is a key: take the # away to set it.");
		put_section(f, file, CONFIG_TOP);
		return;
	}
	put_comment(f,
	    "Every key of /etc/kanidm/unixd. A line that begins with # and no blank is a "
	    "key with its default: take the # away and change it. "
	    "kanidm_unixd -t shows what is in effect.");
	put_section(f, file, CONFIG_TOP);
	(void)fprintf(f, "\n[kanidm]\n");
	put_section(f, file, CONFIG_KANIDM);
}

static void
put_rows(FILE *f, enum config_file file, enum config_section section)
{
	(void)fprintf(f, "| key | takes | default | |\n|---|---|---|---|\n");
	for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
		const struct config_key *k = &config_keys[i];

		if (k->file != file || k->section != section)
			continue;
		(void)fprintf(f, "| `%s` | %s | %s%s%s | %s%s |\n", k->name,
		    config_type_accepts(k->type), k->default_toml != NULL ? "`" : "",
		    k->default_toml != NULL ? k->default_toml : "not set",
		    k->default_toml != NULL ? "`" : "", k->doc,
		    k->when == CONFIG_RESTART ? " *Restart.*" : "");
	}
}

static void
put_table(FILE *f)
{
	(void)fprintf(f, "\n### /etc/kanidm/config\n\n");
	put_rows(f, CONFIG_FILE_CLIENT, CONFIG_TOP);
	(void)fprintf(f, "\n### /etc/kanidm/unixd, top level\n\n");
	put_rows(f, CONFIG_FILE_UNIXD, CONFIG_TOP);
	(void)fprintf(f, "\n### /etc/kanidm/unixd, `[kanidm]`\n\n");
	put_rows(f, CONFIG_FILE_UNIXD, CONFIG_KANIDM);
	(void)fprintf(f, "\n");
}

static void
check_example(enum config_file file, const char *path)
{
	cleanup_(freep) char *want = NULL, *got = NULL;
	size_t len;
	FILE *f = open_memstream(&want, &len);

	if (!plain_paths())
		skip();
	assert_non_null(f);
	put_example(f, file);
	assert_int_equal(fclose(f), 0);
	if (getenv("KU_REGENERATE") != NULL)
		scratch_write(path, want);
	got = scratch_read(path);
	assert_non_null(got);
	assert_string_equal(got, want);
}

static void
test_the_example_files_are_made_from_the_key_table(void **state)
{
	(void)state;
	check_example(CONFIG_FILE_CLIENT, ETC "config.example");
	check_example(CONFIG_FILE_UNIXD, ETC "unixd.example");
}

static void
test_the_documented_table_is_made_from_the_key_table(void **state)
{
	cleanup_(freep) char *text = scratch_read(DOC), *want = NULL, *got = NULL;
	char *begin, *end;
	size_t len;
	FILE *f;

	(void)state;
	if (!plain_paths())
		skip();
	assert_non_null(text);
	begin = strstr(text, DOC_BEGIN);
	end = strstr(text, DOC_END);
	assert_true(begin != NULL && end != NULL && begin < end);
	begin += strlen(DOC_BEGIN);
	f = open_memstream(&want, &len);
	assert_non_null(f);
	put_table(f);
	assert_int_equal(fclose(f), 0);
	if (getenv("KU_REGENERATE") != NULL) {
		cleanup_(freep) char *whole = xasprintf("%.*s%s%s", (int)(begin - text),
		    text, want, end);

		scratch_write(DOC, whole);
		return;
	}
	got = xstrndup(begin, (size_t)(end - begin));
	assert_string_equal(got, want);
}

/* The file with every "#key" line switched on. */
static char *
uncomment(const char *text)
{
	char *copy = xstrdup(text);
	size_t n = 0;

	for (size_t i = 0; text[i] != '\0'; i++) {
		bool starts = i == 0 || text[i - 1] == '\n';

		if (starts && text[i] == '#' && text[i + 1] != ' ')
			continue;
		copy[n++] = text[i];
	}
	copy[n] = '\0';
	return copy;
}

static void
test_every_line_of_the_examples_is_accepted(void **state)
{
	cleanup_(freep) char *client = scratch_read(ETC "config.example");
	cleanup_(freep) char *unixd = scratch_read(ETC "unixd.example");
	cleanup_(freep) char *client_on = uncomment(client), *unixd_on = uncomment(unixd);
	cleanup_(loaded_clear) struct loaded off = load(client, unixd);
	cleanup_(loaded_clear) struct loaded on = load(client_on, unixd_on);

	(void)state;
	assert_quiet(&off);
	assert_int_equal(on.err, 0);
	for (size_t i = 0; i < on.p.n; i++)
		if (on.p.v[i].severity > CONFIG_NOTE)
			/* The one file an example cannot bring along. */
			assert_non_null(strstr(on.p.v[i].text, "ca_path: cannot read"));
	assert_string_equal(on.c->uri, "https://idm.example.com");
	assert_string_equal(on.c->pam_allowed_login_groups[0], "shell_users");
	assert_int_equal(on.c->n_map_group, 1);
}

static void
test_the_installed_files_change_nothing_until_edited(void **state)
{
	cleanup_(freep) char *client = scratch_read(ETC "config");
	cleanup_(freep) char *unixd = scratch_read(ETC "unixd");
	cleanup_(loaded_clear) struct loaded l = { 0 };
	cleanup_(freep) char *client_on = NULL, *unixd_on = NULL;
	cleanup_(loaded_clear) struct loaded on = { 0 };

	(void)state;
	assert_non_null(client);
	assert_non_null(unixd);
	l = load(client, unixd);
	assert_quiet(&l);
	assert_true(l.c->provider_enabled);
	assert_null(l.c->uri);
	assert_int_equal(config_exit_status(&l.p), 0);
	client_on = uncomment(client);
	unixd_on = uncomment(unixd);
	on = load(client_on, unixd_on);
	assert_quiet(&on);
	assert_non_null(on.c->uri);
	assert_non_null(on.c->pam_allowed_login_groups[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_example_files_are_made_from_the_key_table),
		cmocka_unit_test(test_the_documented_table_is_made_from_the_key_table),
		cmocka_unit_test(test_every_line_of_the_examples_is_accepted),
		cmocka_unit_test(test_the_installed_files_change_nothing_until_edited),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
