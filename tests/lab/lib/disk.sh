# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What of a host outlives its power: one ext4 image with etc/ and var/, which the host mounts
# separately. As on ostree hosts st_dev of both is equal and a rename between them gives EXDEV.
# /usr is the machine's own, read-only; the rest of the root is made anew at every boot.

# disk_make NAME: images, mounted at LAB/NAME/{disk,etcd}
disk_make() {
	local dir=$LAB/$1
	mkdir -p "$dir/disk" "$dir/log" "$dir/root"
	disk_image "$dir/disk.img" "$dir/disk" "$DISK_MB"
	if [ "$OWN_ETCD_MOUNT" = 1 ]; then
		mkdir -p "$dir/etcd"
		disk_image "$dir/etcd.img" "$dir/etcd" "$DISK_MB"
	fi
}

disk_image() { # disk_image IMAGE MOUNTPOINT MB
	truncate -s "$3M" "$1"
	mkfs.ext4 -q -m 0 -E lazy_itable_init=1,lazy_journal_init=1 "$1"
	mount -o loop "$1" "$2"
	rmdir "$2/lost+found"
}

# disk_fill NAME: the files of a freshly installed host
disk_fill() {
	local etc=$LAB/$1/disk/etc var=$LAB/$1/disk/var
	mkdir -m 755 "$etc" "$var"
	mkdir -p "$var"/{cache,home,lib/{dbus,systemd,etcd,kubelet},log/{journal,standin},roothome,spool,tmp}
	chmod 700 "$var/lib/etcd" "$var/roothome"
	chmod 1777 "$var/tmp"
	ln -s ../run "$var/run"
	ln -s ../run/lock "$var/lock"
	disk_copy_etc "$etc"
	disk_users "$etc" "$var"
	disk_login "$etc"
	disk_units "$etc"
	uuidgen | tr -d - >"$etc/machine-id"
	echo "$1" >"$etc/hostname"
	disk_hosts >"$etc/hosts"
	: >"$etc/resolv.conf"
	! is_old || echo "nameserver $NET.1" >"$etc/resolv.conf"
	mkdir -p "$etc/ssh"
	host_key "$1"
}

# Only what programs of this machine's /usr need to start; no accounts, keys or enabled units of it.
disk_copy_etc() {
	local item items=()
	for item in alternatives authselect crypto-policies dbus-1 default/locale environment ld.so.cache \
		ld.so.conf ld.so.conf.d locale.conf localtime login.defs nsswitch.conf os-release protocols \
		services shells ssl/openssl.cnf pki/tls/openssl.cnf systemd/system.conf systemd/journald.conf; do
		[ ! -e "/etc/$item" ] && [ ! -L "/etc/$item" ] || items+=("$item")
	done
	tar -C /etc -cf - "${items[@]}" | tar -C "$1" -xf -
}

# system accounts as here, and core; nobody has a password
disk_users() {
	awk -F: '$3 < 1000 || $3 == 65534' /etc/passwd >"$1/passwd"
	awk -F: '$3 < 1000 || $3 == 65534' /etc/group >"$1/group"
	sed -i 's#^\(root:.*\):/root:#\1:/var/roothome:#' "$1/passwd"
	echo 'core:x:1000:1000:core:/var/home/core:/bin/bash' >>"$1/passwd"
	echo 'core:x:1000:' >>"$1/group"
	awk -F: '{print $1 ":*:19000:0:99999:7:::"}' "$1/passwd" >"$1/shadow"
	chmod 600 "$1/shadow"
	mkdir -p "$2/home/core/.ssh"
	cp "$LAB/ssh/id.pub" "$2/home/core/.ssh/authorized_keys"
	chmod 700 "$2/home/core" "$2/home/core/.ssh"
	chown -R 1000:1000 "$2/home/core"
}

disk_login() {
	local etc=$1 service path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	mkdir -p "$etc/ssh" "$etc/sudoers.d" "$etc/pam.d" "$etc/security" "$etc/profile.d"
	cat >"$etc/ssh/sshd_config" <<-'C'
		HostKey /etc/ssh/ssh_host_ed25519_key
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		UsePAM yes
		UseDNS no
		PrintMotd no
		MaxStartups 200:30:400
		MaxSessions 64
		Subsystem sftp internal-sftp
	C
	printf '%s\n' "Defaults secure_path=\"$path\"" 'root ALL=(ALL) ALL' \
		'core ALL=(ALL) NOPASSWD: ALL' >"$etc/sudoers"
	chmod 440 "$etc/sudoers"
	echo "export PATH=$path" >"$etc/profile"
	: >"$etc/bash.bashrc"
	: >"$etc/security/limits.conf"
	: >"$etc/security/pam_env.conf"
	for service in sshd sudo su systemd-user other; do
		printf '%s\n' 'auth required pam_permit.so' 'account required pam_unix.so' \
			'session required pam_unix.so' >"$etc/pam.d/$service"
	done
	if [ "$LOGIND" = 1 ]; then
		for service in sshd systemd-user; do
			echo 'session required pam_systemd.so' >>"$etc/pam.d/$service"
		done
		printf '%s\n' '[Login]' KillUserProcesses=yes 'KillExcludeUsers=' >"$etc/systemd/logind.conf"
	fi
}

disk_units() {
	local system=$1/systemd/system unit
	mkdir -p "$system/multi-user.target.wants" "$system/sockets.target.wants"
	ln -s /lib/systemd/system/multi-user.target "$system/default.target"
	for unit in systemd-timesyncd systemd-networkd systemd-resolved console-getty getty@ \
		systemd-firstboot ldconfig; do
		ln -s /dev/null "$system/$unit.service"
	done
	if [ "$LOGIND" = 1 ]; then
		ln -s /lib/systemd/system/dbus.socket "$system/sockets.target.wants/"
	else
		ln -s /dev/null "$system/systemd-logind.service"
	fi
	cat >"$system/sshd.service" <<-'U'
		[Unit]
		Description=OpenSSH server
		[Service]
		RuntimeDirectory=sshd
		RuntimeDirectoryPreserve=yes
		ExecStart=/usr/sbin/sshd -D
		KillMode=process
		Restart=on-failure
		[Install]
		WantedBy=multi-user.target
	U
	cat >"$system/kubelet.service" <<-'U'
		[Unit]
		Description=Stand-in for the kubelet
		[Service]
		Type=notify
		NotifyAccess=all
		ExecStart=/opt/standin/kubelet
		KillMode=process
		Restart=always
		RestartSec=10
		[Install]
		WantedBy=multi-user.target
	U
	# Open vSwitch: units that can be restarted; nothing goes through them
	for unit in ovsdb-server ovs-vswitchd; do
		cat >"$system/$unit.service" <<-'U'
			[Unit]
			Description=Stand-in for Open vSwitch
			[Service]
			ExecStart=/bin/sleep infinity
			[Install]
			WantedBy=multi-user.target
		U
	done
	for unit in sshd kubelet ovsdb-server ovs-vswitchd; do
		ln -s "../$unit.service" "$system/multi-user.target.wants/$unit.service"
	done
}

disk_hosts() {
	local i
	echo 127.0.0.1 localhost
	for i in "${!ALL[@]}"; do
		echo "$NET.$((10 + i)) ${ALL[i]}"
	done
	# no load balancer: whoever goes by these names tries one host after the other
	[ "$KUBERNETES" = 0 ] || for i in "${!NAMES[@]}"; do
		echo "$NET.$((10 + i)) api.lab.test api-int.lab.test"
	done
}

disk_down() { # disk_down NAME
	local point
	for point in "$LAB/$1/disk" "$LAB/$1/etcd"; do
		if mountpoint -q "$point"; then
			umount "$point" || umount -l "$point"
		fi
	done
}
