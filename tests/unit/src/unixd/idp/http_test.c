/* SPDX-License-Identifier: MPL-2.0 */
/* The transport against a server of a few lines, over plain loopback. */
#include "src/unixd/idp/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/unixd/core/loop.h"

#define OK_BODY "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"

/* Answers one request per entry of `answer`, each on a connection of its own. */
struct server {
	int fd;
	pthread_t thread;
	const char *answer[4];
	char asked[4][4096];
	char url[64];
};

struct fixture {
	struct loop *loop;
	struct http *http;
	struct server server;
	bool serving;
};

struct question {
	struct http_request r;
	int done;
	int worked;
	bool on_lane;
	pthread_t loop_thread;
	char body[64];
};

static void
read_request(int fd, char *out, size_t size)
{
	size_t n = 0;
	const char *end;
	size_t body = 0;

	for (;;) {
		ssize_t got = read(fd, out + n, size - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
		out[n] = '\0';
		end = strstr(out, "\r\n\r\n");
		if (end == NULL)
			continue;
		if (strcasestr(out, "content-length: ") != NULL)
			body = (size_t)atoi(strcasestr(out, "content-length: ") + 16);
		if (n >= (size_t)(end + 4 - out) + body)
			break;
	}
}

static void *
server_main(void *arg)
{
	struct server *s = arg;

	for (size_t i = 0; i < ARRAY_SIZE(s->answer) && s->answer[i] != NULL; i++) {
		int fd = accept(s->fd, NULL, NULL);

		if (fd < 0)
			break;
		read_request(fd, s->asked[i], sizeof(s->asked[i]));
		(void)send(fd, s->answer[i], strlen(s->answer[i]), MSG_NOSIGNAL);
		(void)shutdown(fd, SHUT_WR);
		(void)close(fd);
	}
	return NULL;
}

static int
setup(void **state)
{
	static struct fixture f;
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	f = (struct fixture){ 0 };
	f.server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f.server.fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(f.server.fd, 64), 0);
	assert_int_equal(getsockname(f.server.fd, (struct sockaddr *)&a, &len), 0);
	(void)snprintf(f.server.url, sizeof(f.server.url), "http://127.0.0.1:%u",
	    (unsigned)ntohs(a.sin_port));
	assert_int_equal(loop_new(&f.loop), 0);
	assert_int_equal(loop_turn(f.loop, 0), 0);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	f->http = http_free(f->http);
	if (f->serving) {
		(void)shutdown(f->server.fd, SHUT_RDWR);
		(void)pthread_join(f->server.thread, NULL);
	}
	(void)close(f->server.fd);
	f->loop = loop_free(f->loop);
	return 0;
}

static void
begin(struct fixture *f, const char *answer, unsigned timeout_s)
{
	struct idp_settings s = { .uri = f->server.url, .request_timeout_s = timeout_s };

	if (answer != NULL) {
		f->server.answer[0] = answer;
		assert_int_equal(pthread_create(&f->server.thread, NULL, server_main,
				     &f->server),
		    0);
		f->serving = true;
	}
	assert_int_equal(http_new(f->loop, &s, &f->http), 0);
}

static void
on_work(struct http_request *r)
{
	struct question *q = container_of(r, struct question, r);

	worker_role_assume();
	q->worked++;
	q->on_lane = !pthread_equal(pthread_self(), q->loop_thread);
	if (r->answer != NULL)
		(void)snprintf(q->body, sizeof(q->body), "%s", r->answer);
}

static void
on_done(struct http_request *r)
{
	struct question *q = container_of(r, struct question, r);

	q->done++;
	assert_true(pthread_equal(pthread_self(), q->loop_thread));
	assert_null(r->answer);
}

static void
question_init(struct question *q, const char *path)
{
	*q = (struct question){ .loop_thread = pthread_self() };
	q->r.path = path;
	q->r.max_body = HTTP_MAX_TOKEN;
	q->r.work = on_work;
	q->r.done = on_done;
}

static void
until_done(struct fixture *f, const struct question *q)
{
	struct clock begun;

	clock_read(&begun);
	while (q->done == 0) {
		assert_int_equal(loop_turn(f->loop, 1000), 0);
		assert_true(loop_now(f->loop)->mono_ns - begun.mono_ns < 60 * CLOCK_S);
	}
	assert_int_equal(q->done, 1);
}

static void
ask(struct fixture *f, struct question *q)
{
	http_post(f->http, &q->r);
	assert_int_equal(q->done, 0);
	until_done(f, q);
}

static void
test_a_get_says_who_we_are_and_nothing_more(void **state)
{
	struct fixture *f = *state;
	struct question q;

	begin(f, OK_BODY, 4);
	question_init(&q, "/v1/self");
	q.r.bearer = "token";
	ask(f, &q);
	assert_int_equal(q.r.class, IDP_FOUND);
	assert_int_equal(q.r.status, 200);
	assert_true(q.on_lane);
	assert_string_equal(q.body, "true");
	(void)pthread_join(f->server.thread, NULL);
	f->serving = false;
	assert_int_equal(strncmp(f->server.asked[0], "GET /v1/self HTTP/1.1\r\n", 23), 0);
	assert_non_null(
	    strstr(f->server.asked[0], "\r\nAuthorization: Bearer token\r\n"));
	assert_non_null(strstr(f->server.asked[0], "\r\nUser-Agent: kanidm-unix/"));
	assert_null(strcasestr(f->server.asked[0], "cookie"));
}

static void
test_a_post_carries_json_and_the_session(void **state)
{
	struct fixture *f = *state;
	struct question q;

	begin(f, OK_BODY, 4);
	question_init(&q, "/v1/auth");
	q.r.body = "{\"a\":1}";
	q.r.session_id = "sid";
	ask(f, &q);
	(void)pthread_join(f->server.thread, NULL);
	f->serving = false;
	assert_int_equal(strncmp(f->server.asked[0], "POST /v1/auth HTTP/1.1\r\n", 24),
	    0);
	assert_non_null(
	    strstr(f->server.asked[0], "\r\nContent-Type: application/json\r\n"));
	assert_non_null(
	    strstr(f->server.asked[0], "\r\nX-Kanidm-Auth-Session-Id: sid\r\n"));
	assert_null(strcasestr(f->server.asked[0], "authorization"));
	assert_null(strcasestr(f->server.asked[0], "expect"));
	assert_non_null(strstr(f->server.asked[0], "\r\n\r\n{\"a\":1}"));
}

#define PASSWORD "sample-horse-battery-9"

void __real_explicit_bzero(void *p, size_t len);
static atomic_uint n_passwords;

void
__wrap_explicit_bzero(void *p, size_t len)
{
	if (memmem(p, len, PASSWORD, sizeof(PASSWORD) - 1) != NULL)
		n_passwords++;
	__real_explicit_bzero(p, len);
}

static void
test_what_libcurl_copied_of_secrets_is_wiped(void **state)
{
	static const char body[] = "{\"value\":\"" PASSWORD "\"}";
	struct fixture *f = *state;
	struct secret *s = secret_copy(body, sizeof(body) - 1);
	struct question q;

	assert_non_null(s);
	begin(f, OK_BODY, 4);
	question_init(&q, "/v1/account/alice/_unix/_auth");
	q.r.secret_body = s;
	ask(f, &q);
	(void)pthread_join(f->server.thread, NULL);
	f->serving = false;
	assert_non_null(strstr(f->server.asked[0], body));
	f->http = http_free(f->http);
	/* That of the request, which libcurl wrote together with its headers. */
	assert_true(n_passwords > 0);
	(void)secret_free(s);
}

static size_t
swallow(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

/* As libcurl would read it, were it not told otherwise. */
static void
get_with_netrc(const char *url)
{
	CURL *e = curl_easy_init();

	assert_non_null(e);
	(void)curl_easy_setopt(e, CURLOPT_URL, url);
	(void)curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT, 20L);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, swallow);
	assert_int_equal(curl_easy_perform(e), CURLE_OK);
	curl_easy_cleanup(e);
}

static void
test_a_netrc_gives_nobody_a_password(void **state)
{
	static const char netrc[] = "machine 127.0.0.1 login root password secret\n";
	char dir[] = "/tmp/ku-netrc-XXXXXX", path[64];
	struct fixture *f = *state;
	struct question q;
	FILE *file;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/.netrc", dir);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(netrc, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(setenv("HOME", dir, 1), 0);
	assert_int_equal(setenv("NETRC", path, 1), 0);
	f->server.answer[1] = f->server.answer[2] = OK_BODY;
	begin(f, OK_BODY, 20);
	/* It would be found, and believed. */
	get_with_netrc(f->server.url);
	question_init(&q, "/v1/auth");
	ask(f, &q);
	assert_int_equal(q.r.class, IDP_FOUND);
	question_init(&q, "/v1/self");
	q.r.bearer = "token";
	ask(f, &q);
	assert_int_equal(q.r.class, IDP_FOUND);
	(void)pthread_join(f->server.thread, NULL);
	f->serving = false;
	(void)unlink(path);
	(void)rmdir(dir);
	assert_non_null(strstr(f->server.asked[0], "\r\nAuthorization: Basic "));
	assert_null(strcasestr(f->server.asked[1], "authorization"));
	assert_non_null(
	    strstr(f->server.asked[2], "\r\nAuthorization: Bearer token\r\n"));
	assert_null(strstr(f->server.asked[2], "Basic"));
}

static void
test_headers_of_the_answer_are_kept_when_they_are_clean(void **state)
{
	struct fixture *f = *state;
	struct question q;

	begin(f,
	    "HTTP/1.1 200 OK\r\nX-KANIDM-Version:  1.11.1 \r\n"
	    "x-kanidm-auth-session-id: abc\r\nx-kanidm-auth-session-id: a b\r\n"
	    "Content-Length: 0\r\n\r\n",
	    4);
	question_init(&q, "/");
	ask(f, &q);
	assert_string_equal(q.r.version, "1.11.1");
	assert_non_null(q.r.new_session_id);
	assert_string_equal(q.r.new_session_id, "abc");
	http_request_reset(&q.r);
}

static void
test_an_answer_beyond_the_cap_is_cut_off(void **state)
{
	struct fixture *f = *state;
	struct question q;

	begin(f, OK_BODY, 4);
	question_init(&q, "/");
	q.r.max_body = 3;
	ask(f, &q);
	assert_int_equal(q.r.class, IDP_ERROR);
	assert_int_equal(q.r.reason, IDP_BAD_ANSWER);
	assert_string_equal(q.r.detail, "answer longer than 3 bytes");
	assert_int_equal(q.worked, 0);
}

/* None of its pieces is longer than the cap. */
static void
test_an_answer_beyond_the_cap_in_pieces_is_cut_off(void **state)
{
	struct fixture *f = *state;
	struct question q;

	begin(f,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\ntr\r\n2\r\nue\r\n0\r\n\r\n",
	    4);
	question_init(&q, "/");
	q.r.max_body = 3;
	ask(f, &q);
	assert_int_equal(q.r.class, IDP_ERROR);
	assert_string_equal(q.r.detail, "answer longer than 3 bytes");
}

static void
test_a_redirect_is_an_answer_and_not_followed(void **state)
{
	struct fixture *f = *state;
	struct question q;

	f->server.answer[1] = OK_BODY;
	begin(f, "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
	    4);
	question_init(&q, "/");
	ask(f, &q);
	assert_int_equal(q.r.class, IDP_FOUND);
	assert_int_equal(q.r.status, 302);
	assert_string_equal(f->server.asked[1], "");
}

static void
test_a_truncated_answer_is_no_answer(void **state)
{
	struct fixture *f = *state;
	struct question q;

	begin(f, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\ntrue", 4);
	question_init(&q, "/");
	ask(f, &q);
	assert_int_equal(q.r.class, IDP_UNREACHABLE);
	assert_int_equal(q.r.reason, IDP_BAD_ANSWER);
	assert_int_equal(q.worked, 0);
}

static void
test_what_is_no_http_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct question q;

	begin(f, "SSH-2.0-OpenSSH\r\n", 4);
	question_init(&q, "/");
	ask(f, &q);
	assert_true(q.r.class == IDP_ERROR || q.r.class == IDP_UNREACHABLE);
	assert_int_equal(q.worked, 0);
	assert_true(q.r.detail[0] != '\0');
}

/* In clear, to another machine: what plain http is refused for. */
static void
test_a_proxy_gets_nothing_that_is_not_encrypted(void **state)
{
	static const char *const names[] = { "http_proxy", "all_proxy", "ALL_PROXY" };
	struct fixture *f = *state;
	struct question q;

	(void)unsetenv("no_proxy");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)setenv(names[i], "http://127.0.0.1:1", 1);
	begin(f, OK_BODY, 4);
	question_init(&q, "/v1/self");
	q.r.bearer = "token";
	ask(f, &q);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unsetenv(names[i]);
	(void)setenv("no_proxy", "*", 1);
	assert_int_equal(q.r.class, IDP_FOUND);
	assert_ptr_equal(strstr(f->server.asked[0], "GET /v1/self "), f->server.asked[0]);
}

static void
test_work_without_a_path_runs_on_the_lane_only(void **state)
{
	struct fixture *f = *state;
	struct question q;

	begin(f, NULL, 4);
	question_init(&q, NULL);
	ask(f, &q);
	assert_int_equal(q.worked, 1);
	assert_true(q.on_lane);
	assert_int_equal(q.r.class, IDP_FOUND);
}

static void
test_a_long_line_in_front_of_a_silent_server_ends_for_all_at_its_time(void **state)
{
	enum { N = 1100 };
	static struct question q[N];
	struct fixture *f = *state;
	int too_many = 0, timed_out = 0;

	begin(f, NULL, 1); /* connected to by the kernel, answered by nobody */
	for (int i = 0; i < N; i++) {
		question_init(&q[i], "/");
		http_post(f->http, &q[i].r);
	}
	for (int i = 0; i < N; i++) {
		until_done(f, &q[i]);
		timed_out += q[i].r.class == IDP_UNREACHABLE &&
		    q[i].r.reason == IDP_TIMED_OUT;
		too_many += q[i].r.class == IDP_ERROR && q[i].r.reason == IDP_TIMED_OUT;
		assert_int_equal(q[i].worked, 0);
	}
	assert_int_equal(timed_out, 1024);
	assert_int_equal(too_many, N - 1024);
}

static void
test_freeing_cancels_what_is_under_way_and_in_line(void **state)
{
	enum { N = 50 };
	static struct question q[N];
	struct fixture *f = *state;

	begin(f, NULL, 60);
	for (int i = 0; i < N; i++) {
		question_init(&q[i], "/");
		http_post(f->http, &q[i].r);
	}
	f->http = http_free(f->http);
	for (int i = 0; i < N; i++) {
		assert_int_equal(q[i].done, 1);
		assert_int_equal(q[i].r.reason, IDP_CANCELLED);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_get_says_who_we_are_and_nothing_more),
		TEST(test_a_post_carries_json_and_the_session),
		TEST(test_what_libcurl_copied_of_secrets_is_wiped),
		TEST(test_a_netrc_gives_nobody_a_password),
		TEST(test_headers_of_the_answer_are_kept_when_they_are_clean),
		TEST(test_an_answer_beyond_the_cap_is_cut_off),
		TEST(test_an_answer_beyond_the_cap_in_pieces_is_cut_off),
		TEST(test_a_redirect_is_an_answer_and_not_followed),
		TEST(test_a_truncated_answer_is_no_answer),
		TEST(test_what_is_no_http_is_an_error),
		TEST(test_a_proxy_gets_nothing_that_is_not_encrypted),
		TEST(test_work_without_a_path_runs_on_the_lane_only),
		TEST(
		    test_a_long_line_in_front_of_a_silent_server_ends_for_all_at_its_time),
		TEST(test_freeing_cancels_what_is_under_way_and_in_line),
	};

	/* The environment's proxy is not for this server. */
	(void)setenv("no_proxy", "*", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
