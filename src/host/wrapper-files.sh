# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Part of wrapper.sh: guarded renames, and files from and to the bastion.

# ---- moving -----------------------------------------------------------------------------------

# DIR -> $existing, the nearest that exists
nearest() {
	existing=$1
	while [ ! -d "$existing" ]; do
		present "$existing" && refuse "$existing is not a directory"
		existing=${existing%/*}
		existing=${existing:-/}
	done
}

# FROM-DIR TO-DIR: 0 on one mount, 1 on two. st_dev does not tell: bind mounts of one file system
# have the same and yet rename(2) gives EXDEV between them.
same_mount() {
	probe=.recoveryd-probe.$$
	(: >"$1/$probe") 2>/dev/null || refuse "cannot write in $1"
	said=$(ln -T "$1/$probe" "$2/$probe.to" 2>&1)
	linked=$?
	rm -f "$1/$probe" "$2/$probe.to"
	[ $linked -ne 0 ] || return 0
	case $said in
	*ross-device*) return 1 ;;
	esac
	refuse "cannot try a link from $1 to $2: $said"
}

check_source() {
	present "$1" || refuse "$1 does not exist"
	[ -L "$1" ] || [ ! -d "$1" ] || ! mountpoint -q "$1" ||
		refuse "$1 is a mount point and cannot be moved; move what is in it"
	case $2/ in
	"$1"/*) refuse "$2 is inside of $1" ;;
	esac
}

# DIR: made with its parents, each synced
make_dir() {
	[ ! -d "$1" ] || return 0
	make_dir "$(dirname "$1")"
	said=$(mkdir "$1" 2>&1) || [ -d "$1" ] || refuse "cannot make the directory $1: $said"
	sync "$(dirname "$1")"
}

# FROM TO, all guards but the mount passed
rename_checked() {
	present "$2" && refuse "$2 exists already"
	make_dir "$(dirname "$2")"
	inode=$(stat -c %i "$1")
	said=$(mv -nT "$1" "$2" 2>&1)
	if present "$1" || [ "$(stat -c %i "$2" 2>/dev/null)" != "$inode" ]; then
		refuse "$1 could not be moved to $2: ${said:-$2 came into being meanwhile}"
	fi
	if ! sync "$(dirname "$1")" "$(dirname "$2")"; then
		printf 'moved, but %s could not be synced' "$2" >&2
		end 'done' 1
	fi
}

move() {
	check_path from "$from"
	check_path to "$to"
	touch_begin
	check_source "$from" "$to"
	present "$to" && refuse "$to exists already"
	nearest "$(dirname "$to")"
	same_mount "$(dirname "$from")" "$existing" ||
		refuse "$from and $to are on different mounts: a rename cannot do it"
	rename_checked "$from" "$to"
	end 'done'
}

# DIR: says how each thing in the index can be put back
write_readme() {
	{
		printf 'Moved aside on this host by recoveryd, run %s. Nothing was deleted.\n' "$run"
		printf 'To put one back, while no run holds this host (%s/epoch):\n\n' "$root"
		while IFS=$tab read -r was is; do
			present "$is" && printf "    mv -nT '%s' '%s'\n" "$is" "$was"
		done <"$aside/index"
	} >"$1/.README.new" && mv -fT "$1/.README.new" "$1/README"
}

move_aside() {
	check_name run "$run"
	check_path from "$from"
	case $from in
	*\'*) refuse "$from: a path with a quote" ;;
	esac
	touch_begin
	dir=$(dirname "$from")
	base=${from##*/}
	check_source "$from" "$aside"
	make_dir "$aside"
	case $dir in
	*/etc/kubernetes/manifests)
		readme=${dir%/manifests}/recoveryd/$run
		to=$readme/$base
		make_dir "$readme"
		same_mount "$dir" "$readme" || refuse "$dir and $readme are on different mounts"
		;;
	*)
		readme=$aside
		to=$aside/$(printf '%s' "$from" | tr / _)
		same_mount "$dir" "$aside" || to=${dir%/}/recoveryd-$run-$base
		;;
	esac
	present "$to" && refuse "$to exists already: something was moved aside from there before"
	# before the rename, so that no crash leaves it without a trace
	{
		[ ! -e "$aside/index" ] || cat "$aside/index"
		printf '%s\t%s\n' "$from" "$to"
	} >"$aside/.index.new" && sync "$aside/.index.new" &&
		mv -fT "$aside/.index.new" "$aside/index" && sync "$aside" ||
		refuse "cannot write $aside/index"
	rename_checked "$from" "$to"
	write_readme "$aside"
	[ "$readme" = "$aside" ] || write_readme "$readme"
	printf '%s' "$to"
	end 'done'
}

aside_path() {
	check_name run "$run"
	fence_look
	to=''
	if [ -e "$aside/index" ]; then
		while IFS=$tab read -r was is; do
			[ "$was" = "$from" ] && present "$is" && to=$is
		done <"$aside/index"
	fi
	printf '%s' "$to"
	[ -n "$to" ]
	end 'done' $?
}

# ---- files ------------------------------------------------------------------------------------

hash_of() {
	sha256sum <"$1" | cut -c 1-64
}

put() {
	check_name run "$run"
	check_path to "$to"
	check_number size "$size"
	check_number mode "$mode"
	touch_begin
	[ ! -d "$to" ] || refuse "$to is a directory"
	dir=$(dirname "$to")
	if [ -f "$to" ] && [ ! -L "$to" ] && [ "$(stat -c %a "$to")" = "$mode" ] &&
		[ "$(stat -c %s "$to")" = "$size" ] && [ "$(hash_of "$to")" = "$sha256" ]; then
		end 'done'
	fi
	nearest "$dir"
	make_dir "$root/work/$run"
	make_dir "$dir"
	part=$dir/.recoveryd-$run-${to##*/}
	command exec 5<>"$part" || refuse "cannot write in $dir"
	flock -n -x 5 || refuse "$to: an earlier transfer of it is not over yet"
	# over what an earlier one left
	: >"$part"
	if ! said=$(head -c "$size" 2>&1 >"$part"); then
		rm -f "$part"
		refuse "$to: $said"
	fi
	got=$(stat -c %s "$part")
	if [ "$got" != "$size" ]; then
		rm -f "$part"
		refuse "$to: $got of $size bytes came"
	fi
	got=$(hash_of "$part")
	if [ "$got" != "$sha256" ]; then
		rm -f "$part"
		refuse "$to: SHA-256 of what came is $got, not $sha256"
	fi
	if ! said=$(chmod "$mode" "$part" 2>&1 && sync "$part" 2>&1 && mv -fT "$part" "$to" 2>&1); then
		rm -f "$part"
		refuse "$to: $said"
	fi
	if ! sync "$dir"; then
		printf 'written, but %s could not be synced' "$dir" >&2
		end 'done' 1
	fi
	end 'done'
}

fetch() {
	check_path from "$from"
	check_number offset "$offset"
	check_number size "$size"
	fence_look
	present "$from" || refuse "$from does not exist"
	[ -f "$from" ] || refuse "$from is not a file"
	[ "$size" -gt 0 ] && [ "$size" -lt $fetch_limit ] || size=$fetch_limit
	bytes=$(stat -L -c %s "$from")
	# the whole is read for it: once, with the last piece
	hash=-
	[ $((offset + size)) -lt "$bytes" ] || hash=$(hash_of "$from")
	whole="$bytes $hash"
	dd if="$from" bs=1M iflag=skip_bytes,count_bytes skip="$offset" count="$size" status=none
	status=$?
	printf '%s' "$whole" >&2
	end 'done' $status
}
