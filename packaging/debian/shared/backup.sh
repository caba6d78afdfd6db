# What decides who gets into this host is copied before the first change. One copy is enough for
# packages that are installed together, so a copy that still equals what is there is used again.
# pam-auth-update's notes go with it, but for "seen", so that it does not enable again what was
# put back.
backup()
{
	for last in /root/kanidm-backup-*; do :; done
	# Where it is a link, the file behind it is what is edited.
	nsswitch=$(readlink -f /etc/nsswitch.conf) || nsswitch=/etc/nsswitch.conf
	if [ ! -d "$last" ] || ! cmp -s /etc/nsswitch.conf "$last$nsswitch" ||
	    ! diff -r /etc/pam.d "$last/etc/pam.d" >/dev/null 2>&1; then
		last=/root/kanidm-backup-$(date +%Y%m%d-%H%M%S)
		# Half a copy, where a disk is full, must not be taken for a whole one.
		part=/root/.kanidm-backup-part
		rm -rf "$part"
		mkdir -m 0700 "$part"
		for path in /etc/nsswitch.conf "$nsswitch" /etc/pam.d /var/lib/pam; do
			[ ! -e "$path" ] || (cd / && cp -a --parents "$path" "$part")
		done
		rm -f "$part/var/lib/pam/seen"
		mv -T "$part" "$last"
	elif [ -n "$(find "$last" -maxdepth 0 -mmin -5)" ]; then
		return 0 # another package of this installation has just said it
	fi
	cat <<-END
	/etc/pam.d and /etc/nsswitch.conf, as they are now, are in $last.
	This puts them back:  cp -a $last/* /
	Keep a root shell open until a second login works.
	END
}
