/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The tables of src/cli and the keys of the configuration, as one line of JSON: what
 * scripts/completions writes completions from, and scripts/check-manual holds the manual
 * pages and --help against.
 */
#include <stdlib.h>

#include "src/base/util.h"
#include "src/cli/programs.h"
#include "src/prog/jsonw.h"
#include "src/prog/keys.h"

static const char *
kind_text(enum cli_kind kind)
{
	static const char *const text[] = {
		[CLI_FLAG] = "flag",
		[CLI_WORD] = "word",
		[CLI_PATH] = "path",
		[CLI_PERSON] = "person",
		[CLI_ENTRY] = "entry",
	};

	return text[kind];
}

static void
put_options(struct jsonw *w, const struct cli_option *o)
{
	jsonw_open_array(w, "options");
	for (; o != NULL && o->key != 0; o++) {
		char letter[] = { o->key < CLI_LONG_ONLY ? (char)o->key : '\0', '\0' };

		jsonw_open_object(w, NULL);
		jsonw_string(w, "letter", letter);
		jsonw_string(w, "name", o->name);
		jsonw_string(w, "kind", kind_text(o->kind));
		jsonw_string(w, "value", o->value);
		jsonw_string(w, "env", o->env);
		jsonw_string(w, "default", o->dflt);
		jsonw_string(w, "help", o->help);
		jsonw_close(w);
	}
	jsonw_close(w);
}

static void
put_operand(struct jsonw *w, const struct cli_command *c)
{
	jsonw_string(w, "operand", c->operand);
	jsonw_string(w, "operand_kind", kind_text(c->operand_kind));
}

static void
put_program(struct jsonw *w, const struct cli_program *p)
{
	jsonw_open_object(w, NULL);
	jsonw_string(w, "name", p->name);
	jsonw_uint(w, "section", p->section);
	put_options(w, p->options);
	put_operand(w, &p->self);
	jsonw_open_array(w, "commands");
	for (const struct cli_command *c = p->commands; c != NULL && c->name != NULL;
	     c++) {
		jsonw_open_object(w, NULL);
		jsonw_string(w, "name", c->name);
		jsonw_string(w, "help", c->help);
		put_operand(w, c);
		put_options(w, c->options);
		jsonw_close(w);
	}
	jsonw_close(w);
	jsonw_close(w);
}

static void
put_key(struct jsonw *w, const struct config_key *k)
{
	jsonw_open_object(w, NULL);
	jsonw_string(w, "file", k->file == CONFIG_FILE_CLIENT ? "config" : "unixd");
	jsonw_string(w, "section", k->section == CONFIG_KANIDM ? "kanidm" : "");
	jsonw_string(w, "name", k->name);
	jsonw_string(w, "flat", k->flat_name);
	jsonw_string(w, "default", k->default_toml);
	jsonw_string(w, "accepts", config_type_accepts(k->type));
	jsonw_bool(w, "restart", k->when == CONFIG_RESTART);
	jsonw_close(w);
}

int
main(void)
{
	static const struct cli_program *const programs[] = { &cli_kanidm_unix,
		&cli_kanidm_ssh_authorizedkeys, &cli_kanidm_unixd,
		&cli_kanidm_unixd_tasks };
	struct jsonw w;

	jsonw_begin(&w, stdout);
	jsonw_open_object(&w, NULL);
	jsonw_open_array(&w, "programs");
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		put_program(&w, programs[i]);
	jsonw_close(&w);
	jsonw_open_array(&w, "keys");
	for (size_t i = 0; i < CONFIG_N_KEYS; i++)
		put_key(&w, &config_keys[i]);
	jsonw_close(&w);
	jsonw_close(&w);
	return jsonw_end(&w) == 0 ? 0 : EXIT_FAILURE;
}
