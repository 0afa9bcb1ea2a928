/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/trust.h"

#include <recovery/plugin.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* GTlsFileDatabase reads files only, and again for each handshake: so this one stays open */
static gboolean
load_authorities(const char *pem, RdTrust *trust, GError **error)
{
	g_autofree char *path = NULL;

	trust->ca_fd = memfd_create("recoveryd-ca", MFD_CLOEXEC);
	trust->open = trust->ca_fd >= 0;
	if (!trust->open || write(trust->ca_fd, pem, strlen(pem)) != (gssize)strlen(pem)) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "no memory for the certificate authorities");
		return FALSE;
	}
	path = g_strdup_printf("/proc/self/fd/%d", trust->ca_fd);
	trust->authorities = g_tls_file_database_new(path, error);
	return trust->authorities != NULL;
}

gboolean
rd_trust_load(const RdKubeconfig *config, RdTrust *trust, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autofree char *both = NULL;

	memset(trust, 0, sizeof *trust);
	if (load_authorities(config->ca, trust, &local) && config->certificate != NULL) {
		both = g_strconcat(config->certificate, "\n", config->key, NULL);
		trust->identity = g_tls_certificate_new_from_pem(both, -1, &local);
		explicit_bzero(both, strlen(both));
	}
	if (local == NULL)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: %s", config->file,
		    local->message);
	return FALSE;
}

void
rd_trust_clear(RdTrust *trust)
{
	g_clear_object(&trust->authorities);
	g_clear_object(&trust->identity);
	if (trust->open)
		close(trust->ca_fd);
	trust->open = FALSE;
}
