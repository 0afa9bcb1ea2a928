/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hosts.h"
#include "../common/address.h"
#include "request.h"
#include <stdio.h>
#include <string.h>

#define PKI	     "/var/lib/kubelet/pki/"
#define PENDING_NAME "kubelet-client.key.tmp" /* kept until its certificate is issued */
#define CURRENT_NAME "kubelet-client-current.pem"
#define PENDING	     PKI PENDING_NAME
#define CURRENT	     PKI CURRENT_NAME

void
csr_host_free(CsrHost *self)
{
	g_clear_pointer(&self->pending_key, g_bytes_unref);
	g_clear_pointer(&self->dns, g_ptr_array_unref);
	g_clear_pointer(&self->ips, g_ptr_array_unref);
	g_clear_pointer(&self->presented, rd_csr_presented_free);
	g_free(self);
}

/* ---- asking ---- */

typedef void (*Taker)(CsrHost *host, const RecoveryReply *reply, gint64 now);

/* @take only gets what was answered with status 0 */
static void
ask(RecoveryStep *step, GPtrArray *hosts, const char *const *argv, Taker take, gint64 now)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GPtrArray) answers = NULL;

	for (guint i = 0; i < hosts->len; i++)
		g_ptr_array_add(names, (gpointer)((CsrHost *)hosts->pdata[i])->name);
	g_ptr_array_add(names, NULL);
	answers = recovery_ask_all(step, (const char *const *)names->pdata, argv);
	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = answers->pdata[i];

		if (answer->error == NULL && answer->reply.status == 0)
			take(hosts->pdata[i], &answer->reply, now);
	}
}

/* ---- keys, and why a new certificate is needed ---- */

gint64
csr_parse_enddate(const char *line)
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int day = 0, hour = 0, minute = 0, second = 0, year = 0, end = 0;
	g_autoptr(GDateTime) time = NULL;
	char month[4] = "";

	if (sscanf(line, "notAfter=%3s %d %d:%d:%d %d GMT%n", month, &day, &hour, &minute, &second,
		   &year, &end) != 6 ||
	    end == 0)
		return 0;
	for (int i = 0; i < (int)G_N_ELEMENTS(months) && time == NULL; i++)
		if (g_str_equal(month, months[i]))
			time = g_date_time_new_utc(year, i + 1, day, hour, minute, second);
	return time != NULL ? g_date_time_to_unix(time) : 0;
}

static void
take_marker(CsrHost *host, const RecoveryReply *reply, gint64 now)
{
	gint64 since = 0;
	g_autofree char *text = g_strstrip(g_strdup(reply->out));

	if (g_ascii_string_to_signed(text, 10, 1, G_MAXINT64, &since, NULL))
		host->needs_since = since;
}

/* a certificate that is still valid is no reason for a new one */
static void
take_enddate(CsrHost *host, const RecoveryReply *reply, gint64 now)
{
	gint64 end = csr_parse_enddate(reply->out);

	if (host->needs_since == 0 && end != 0 && end <= now)
		host->needs_since = end;
}

static void
take_key(CsrHost *host, const RecoveryReply *reply, gint64 now)
{
	host->pending_key = rd_csr_public_key_parse(reply->out, reply->out_size);
}

/* "NAME TIME" of the current certificate and of the key that waits. Without any certificate, and
 * with a key that waits: a host that was made anew, whose kubelet has never been let in. */
static void
take_files(CsrHost *host, const RecoveryReply *reply, gint64 now)
{
	g_auto(GStrv) lines = g_strsplit(reply->out, "\n", -1);
	gint64 since = 0;

	for (guint i = 0; lines[i] != NULL; i++) {
		if (g_str_has_prefix(lines[i], CURRENT_NAME " "))
			return;
		if (g_str_has_prefix(lines[i], PENDING_NAME " "))
			since = g_ascii_strtoll(lines[i] + strlen(PENDING_NAME " "), NULL, 10);
	}
	host->needs_since = since;
}

static void
ask_without(RecoveryStep *step, GPtrArray *hosts, gint64 now)
{
	static const char *const files[] = {"find",	  PKI,	     "-maxdepth", "1",	"-name",
					    CURRENT_NAME, "-printf", "%f %T@\\n", "-o", "-name",
					    PENDING_NAME, "-printf", "%f %T@\\n", NULL};
	g_autoptr(GPtrArray) without = g_ptr_array_new();

	for (guint i = 0; i < hosts->len; i++)
		if (((CsrHost *)hosts->pdata[i])->needs_since == 0)
			g_ptr_array_add(without, hosts->pdata[i]);
	if (without->len > 0)
		ask(step, without, files, take_files, now);
}

void
csr_hosts_ask_keys(RecoveryStep *step, GPtrArray *hosts, const char *marker, gint64 now)
{
	const char *moved[] = {"stat", "-c", "%Y", marker, NULL};
	static const char *const expired[] = {"openssl", "x509",  "-noout", "-enddate",
					      "-in",	 CURRENT, NULL};
	static const char *const key[] = {"openssl", "pkey", "-pubout", "-in", PENDING, NULL};

	ask(step, hosts, moved, take_marker, now);
	ask(step, hosts, expired, take_enddate, now);
	ask_without(step, hosts, now);
	ask(step, hosts, key, take_key, now);
}

/* ---- names ---- */

static void
take_addresses(CsrHost *host, const RecoveryReply *reply, gint64 now)
{
	g_autoptr(GPtrArray) assigned = rd_assigned_parse(reply->out, NULL);

	for (guint i = 0; assigned != NULL && i < assigned->len; i++) {
		const RdAssigned *one = assigned->pdata[i];

		if (one->global)
			g_ptr_array_add(host->ips, rd_address_print(&one->address));
	}
}

static void
take_name(CsrHost *host, const RecoveryReply *reply, gint64 now)
{
	char *name = g_strstrip(g_strdup(reply->out));

	if (*name != '\0' && strpbrk(name, " \t\n") == NULL)
		g_ptr_array_add(host->dns, name);
	else
		g_free(name);
}

void
csr_hosts_ask_names(RecoveryStep *step, GPtrArray *hosts)
{
	static const char *const addresses[] = {"ip", "-o", "address", NULL};
	static const char *const name[] = {"hostname", NULL}, *const whole[] = {"hostname", "-f",
										NULL};

	for (guint i = 0; i < hosts->len; i++) {
		CsrHost *host = hosts->pdata[i];

		host->dns = g_ptr_array_new_with_free_func(g_free);
		host->ips = g_ptr_array_new_with_free_func(g_free);
	}
	ask(step, hosts, addresses, take_addresses, 0);
	ask(step, hosts, name, take_name, 0);
	ask(step, hosts, whole, take_name, 0);
	for (guint i = 0; i < hosts->len; i++) {
		CsrHost *host = hosts->pdata[i];

		g_ptr_array_add(host->dns, NULL);
		g_ptr_array_add(host->ips, NULL);
	}
}

/* ---- what the kubelet presents ---- */

/* where it listens, without the port: "10.0.0.1", "fd00::1" */
static char *
without_port(const char *address)
{
	const char *end = strrchr(address, ':');

	return address[0] == '[' ? g_strndup(address + 1, end - address - 2)
				 : g_strndup(address, end - address);
}

void
csr_hosts_ask_presented(RecoveryStep *step, GPtrArray *hosts, const char *const *addresses,
			const char *ca, gint64 now)
{
	g_auto(GStrv) recovery = recovery_hosts(step, "recovery");
	g_autoptr(GPtrArray) asked = g_ptr_array_new(), from = g_ptr_array_new();
	g_autoptr(GPtrArray) argvs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) answers = NULL;

	for (guint i = 0; i < hosts->len && recovery[0] != NULL; i++) {
		const char *argv[] = {"timeout",    "10",	"openssl",    "s_client",
				      "-showcerts", "-connect", addresses[i], NULL};

		if (addresses[i] == NULL)
			continue;
		g_ptr_array_add(asked, GUINT_TO_POINTER(i));
		g_ptr_array_add(from, recovery[0]);
		g_ptr_array_add(argvs, g_memdup2(argv, sizeof argv));
	}
	if (asked->len == 0)
		return;
	g_ptr_array_add(from, NULL);
	answers = recovery_ask_each(step, (const char *const *)from->pdata,
				    (const char *const *const *)argvs->pdata);
	for (guint i = 0; i < answers->len; i++) {
		guint index = GPOINTER_TO_UINT(asked->pdata[i]);
		CsrHost *host = hosts->pdata[index];
		const RecoveryAnswer *answer = answers->pdata[i];
		g_autofree char *ip = without_port(addresses[index]), *why = NULL;

		if (answer->error == NULL && answer->reply.status == 0)
			host->presented =
			    rd_csr_presented_parse(answer->reply.out, ca, ip, now, &why);
	}
}
