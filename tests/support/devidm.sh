# shellcheck shell=bash
# SPDX-License-Identifier: MPL-2.0
#
# Bash functions around the development server, for tests and for scripts/demo. Source it.
#
#   DEVIDM, DEVIDM_CTL      programs; by default found under KU_BUILD_DIR (the build directory)
#
#   devidm_start DIR DATA [OPTION...]   starts it; DATA is a file, or a name in tests/devidm/data
#       sets DEVIDM_PID DEVIDM_DIR DEVIDM_URL DEVIDM_PORT DEVIDM_CA DEVIDM_SOCKET
#   devidm_restart [OPTION...]          ends it and starts it again: same port, CA and tokens
#   devidm_ctl COMMAND...               kanidm_devidmctl on its socket
#   devidm_stop                         ends it and waits for it
#   devidm_login [NAME [PASSWORD]]      prints a bearer token (default: anonymous)
#   devidm_get PATH [CURL OPTION...]    one request with $DEVIDM_TOKEN as bearer
#   devidm_until SECONDS COMMAND...     runs COMMAND until it succeeds or the time is over
#
# The server ends with the shell that started it, so that nothing stays behind when a test
# is killed.

_devidm_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${DEVIDM:=${KU_BUILD_DIR:-$_devidm_here/../../build/dev}/tests/devidm/kanidm_devidm}"
: "${DEVIDM_CTL:=$(dirname "$DEVIDM")/kanidm_devidmctl}"

# Starts the server with the arguments in _devidm_args on address $1.
_devidm_launch()
{
	local fifo="$DEVIDM_DIR/ready" line=
	rm -f "$fifo"
	mkfifo "$fifo" || return 1
	"$DEVIDM" --listen "$1" --make-certs "$DEVIDM_DIR/certs" --state "$DEVIDM_DIR/state" \
		--control "$DEVIDM_SOCKET" --exit-with-parent "${_devidm_args[@]}" \
		>"$fifo" 2>>"$DEVIDM_DIR/log" &
	DEVIDM_PID=$!
	# Opened for reading and writing: a server that dies at once must not block us here.
	exec {_devidm_fd}<>"$fifo"
	local end=$((SECONDS + 20))
	until read -r -t 0.2 -u "$_devidm_fd" line; do
		kill -0 "$DEVIDM_PID" 2>/dev/null || break
		((SECONDS < end)) || break
	done
	exec {_devidm_fd}>&-
	rm -f "$fifo"
	case $line in
	"listening https://"*) ;;
	*)
		echo "devidm: did not start: $(cat "$DEVIDM_DIR/log")" >&2
		return 1
		;;
	esac
	DEVIDM_URL=${line#listening }
	DEVIDM_PORT=${DEVIDM_URL##*:}
	# The certificate is good for this name, as for 127.0.0.1.
	DEVIDM_URL="https://localhost:$DEVIDM_PORT"
}

devidm_start()
{
	local data=$2
	DEVIDM_DIR=$1
	shift 2
	mkdir -p "$DEVIDM_DIR" || return 1
	[[ -e $data ]] || data="$_devidm_here/../devidm/data/$data.json"
	DEVIDM_SOCKET="$DEVIDM_DIR/ctl"
	DEVIDM_CA="$DEVIDM_DIR/certs/ca.pem"
	_devidm_args=(--data "$data" "$@")
	_devidm_launch 127.0.0.1:0
}

devidm_restart()
{
	local port=$DEVIDM_PORT
	devidm_stop
	_devidm_args+=("$@")
	_devidm_launch "127.0.0.1:$port"
}

devidm_ctl()
{
	"$DEVIDM_CTL" "$DEVIDM_SOCKET" "$@"
}

devidm_stop()
{
	[[ -n ${DEVIDM_PID:-} ]] || return 0
	kill "$DEVIDM_PID" 2>/dev/null
	wait "$DEVIDM_PID" 2>/dev/null
	DEVIDM_PID=
}

_devidm_step()
{
	curl -sS --max-time 10 --cacert "$DEVIDM_CA" -H 'content-type: application/json' "$@" \
		"$DEVIDM_URL/v1/auth"
}

devidm_login()
{
	local name=${1:-anonymous} password=${2:-} mech=anonymous cred='"anonymous"' session
	if [[ $name != anonymous ]]; then
		mech=password
		cred="{\"password\":\"$password\"}"
	fi
	session=$(_devidm_step -o /dev/null -D - -d \
		"{\"step\":{\"init2\":{\"username\":\"$name\",\"issue\":\"token\",\"privileged\":true}}}" |
		tr -d '\r' | sed -n 's/^x-kanidm-auth-session-id: //p')
	_devidm_step -o /dev/null -H "x-kanidm-auth-session-id: $session" \
		-d "{\"step\":{\"begin\":\"$mech\"}}" || return 1
	_devidm_step -H "x-kanidm-auth-session-id: $session" -d "{\"step\":{\"cred\":$cred}}" |
		sed -n 's/.*"success":"\([^"]*\)".*/\1/p'
}

devidm_get()
{
	local path=$1
	shift
	curl -sS --max-time 10 --cacert "$DEVIDM_CA" -H "authorization: Bearer ${DEVIDM_TOKEN:-}" \
		"$@" "$DEVIDM_URL$path"
}

devidm_until()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.02
	done
}
