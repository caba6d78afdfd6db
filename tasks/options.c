/* SPDX-License-Identifier: MPL-2.0 */
/* The table of src/cli decides what is accepted; here the answers are kept. */
#include "tasks/options.h"

#include "src/cli/programs.h"

static void
set(void *arg, int key, const char *value)
{
	struct task_options *o = arg;

	switch (key) {
	case 'c':
		o->config = value;
		break;
	case 'd':
		o->debug = true;
		break;
	case CLI_KEY_MOUNT_HELPER:
		o->mount_helper = true;
		break;
	default:
		o->version = true;
	}
}

int
task_options_parse(int argc, char **argv, struct task_options *ret_o, FILE *out,
    FILE *err)
{
	struct cli_args args;

	*ret_o = (struct task_options){ 0 };
	return cli_parse(&cli_kanidm_unixd_tasks, argc, argv, set, ret_o, &args, out,
	    err);
}
