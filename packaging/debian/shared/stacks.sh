# The reference's module lets local accounts in; ours decides about none. A stack that has it and
# no pam_unix would keep root out, so nothing is replaced on such a host. Prints "file type" of
# each: a service that local accounts come in by, or the common files of Debian's.
stacks_without_unix()
{
	for service in login remote sshd su su-l runuser-l sudo sudo-i cron atd polkit-1 other \
	    gdm-password lightdm sddm xdm kde systemd-user common-auth common-account \
	    system-auth password-auth; do
		file=/etc/pam.d/$service
		[ -f "$file" ] || file=/usr/lib/pam.d/$service
		[ -f "$file" ] || continue
		for type in auth account; do
			# Which modules a stack has, with all that it includes; their order is no matter.
			# Lines are put together as libpam does it.
			awk -v wanted="$type" '
			FNR == 1 { before = "" }
			{ commented = sub(/#.*/, ""); sub(/[ \t]+$/, "") }
			$0 == "" { next }
			{ $0 = before $0; before = "" }
			!commented && /\\$/ { before = substr($0, 1, length($0) - 1) " "; next }
			{ type = tolower($1); sub(/^-/, "", type); more = "" }
			type == "@include" { more = $2 }
			type == wanted && tolower($2) ~ /^\[?(include|substack)\]?$/ { more = $3 }
			more != "" {
				n = split(more ~ /^\// ? "/" : "/etc/pam.d/ /usr/lib/pam.d/", dir)
				for (i = 1; i <= n; i++) {
					path = dir[i] more
					if (path in seen)
						break
					if ((getline line < path) < 0)
						continue
					close(path)
					seen[path]
					ARGV[ARGC++] = path
					break
				}
			}
			type == wanted && /[^A-Za-z0-9_.-]pam_kanidm\.so/ { ours = 1 }
			type == wanted && /[^A-Za-z0-9_.-]pam_unix[a-z0-9_]*\.so/ { local = 1 }
			END { if (ours && !local) print ARGV[1], wanted }' "$file" || return 1
		done
	done
}

refuse_stacks_without_unix()
{
	if ! found=$(stacks_without_unix); then
		echo "kanidm: not installed: the stacks in /etc/pam.d cannot be looked into" >&2
		exit 1
	fi
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
