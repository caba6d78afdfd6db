# The reference's module lets local accounts in; ours decides about none. A stack that has it and
# no pam_unix would keep root out, so nothing is replaced on such a host. Prints "file type" of
# each: a service that local accounts come in by, or the common files of Debian's.
stacks_without_unix()
{
	for service in login remote sshd su su-l runuser-l sudo sudo-i cron atd polkit-1 other \
	    gdm-password lightdm sddm xdm kde systemd-user common-auth common-account \
	    system-auth password-auth; do
		[ -f "/etc/pam.d/$service" ] || continue
		for type in auth account; do
			# Which modules a stack has, with all that it includes; their order is no matter.
			awk -v wanted="$type" '
			line != "" { $0 = line $0; line = "" }
			/\\$/ { line = substr($0, 1, length($0) - 1) " "; next }
			{ sub(/#.*/, ""); type = tolower($1); sub(/^-/, "", type); more = "" }
			type == "@include" { more = $2 }
			type == wanted && ($2 == "include" || $2 == "substack") { more = $3 }
			more != "" && !seen[more]++ {
				path = more ~ /^\// ? more : "/etc/pam.d/" more
				if ((getline line < path) >= 0)
					ARGV[ARGC++] = path
				close(path)
				line = ""
			}
			type == wanted && /[ \t\/]pam_kanidm\.so/ { ours = 1 }
			type == wanted && /[ \t\/]pam_unix[a-z0-9_]*\.so/ { local = 1 }
			END { if (ours && !local) print ARGV[1], wanted }' "/etc/pam.d/$service"
		done
	done
}

refuse_stacks_without_unix()
{
	found=$(stacks_without_unix)
	[ -n "$found" ] || return 0
	cat >&2 <<-END
	kanidm: not installed, because it would keep root and every local account out.
	pam_kanidm.so stands without pam_unix.so in:
	$found
	The reference's module checks local accounts, this one checks none. Add, each above the
	line of pam_kanidm.so in the file that has it:

	auth     sufficient  pam_unix.so
	account  sufficient  pam_unix.so

	Then try a second login as root or another local account, and install again.
	END
	exit 1
}
