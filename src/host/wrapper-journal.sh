# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Part of wrapper.sh: the copy of the run's journal, journal/RUN/. `events` has one event a line,
# each with its number and its link (src/journal/copy.h); nothing in it is ever changed. A bastion
# that is lost is replaced by what lies here.

# -> $end_seq, $end_link; 0 and "-": nothing is there. What was being written when the power went is
# cut off: it was not answered for.
copy_end() {
	end_seq=0 end_link=-
	[ -s "$copy/events" ] || return 0
	if [ "$(tail -c 1 "$copy/events" | tr '\n' x)" != x ]; then
		torn=$(tail -n 1 "$copy/events" | wc -c)
		truncate -s "-$torn" "$copy/events" || refuse "cannot cut the torn end of $copy/events"
		[ -s "$copy/events" ] || return 0
	fi
	last=$(tail -n 1 "$copy/events" | cut -f 1,2)
	case ${last%%"$tab"*} in
	'' | *[!0-9]*) end_link=damaged ;;
	*) end_seq=${last%%"$tab"*} end_link=${last#*"$tab"} ;;
	esac
}

# one that says something else: kept under a number
copy_aside() {
	[ -e "$copy/events" ] || return 0
	[ "$(head -c "$input" "$copy/events" | hash_of /dev/stdin)" != "$(hash_of /proc/$$/fd/6)" ] || return 0
	old=1
	while present "$copy/events.$old"; do
		old=$((old + 1))
	done
	mv -nT "$copy/events" "$copy/events.$old" || refuse "cannot move $copy/events aside"
	end_seq=0 end_link=-
}

keep_document() {
	{ said=$(cat <&6 2>&1 >"$copy/.$name.new") && said=$(sync "$copy/.$name.new" 2>&1) &&
		said=$(mv -fT "$copy/.$name.new" "$copy/$name" 2>&1) && said=$(sync "$copy" 2>&1); } ||
		refuse "cannot write $copy/$name: $said"
	end 'done'
}

keep() {
	check_name run "$run"
	check_number offset "$offset"
	[ -z "$name" ] || check_name name "$name"
	spool
	touch_begin
	copy=$root/journal/$run
	make_dir "$copy"
	[ -z "$name" ] || keep_document
	command exec 5<>"$copy/lock" || refuse "cannot open $copy/lock"
	flock -x -w 10 5 || refuse "$copy/lock is held by $(exec 5>&-; holders "$copy/lock")"
	copy_end
	status=0
	if [ -n "$input" ]; then
		[ "$offset" != 0 ] || copy_aside
		if [ "$offset" = "$end_seq" ] && { [ "$offset" = 0 ] || [ "$sha256" = "$end_link" ]; }; then
			made=no
			[ -e "$copy/events" ] || made=yes
			{ said=$(cat <&6 2>&1 >>"$copy/events") && said=$(sync -d "$copy/events" 2>&1); } ||
				refuse "cannot write $copy/events: $said"
			[ $made = no ] || sync "$copy"
			copy_end
		else
			status=1
		fi
	fi
	printf '%s %s' "$end_seq" "$end_link"
	end 'done' $status
}
