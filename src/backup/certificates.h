/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/resources.h"
G_BEGIN_DECLS

/* Adds the certificates of a PEM file to @certificates (of RdCertificate), those that are there
 * already left out. FALSE when it has the mark of one and none can be read. */
gboolean rd_certificates_add(GPtrArray *certificates, const char *file, const guint8 *bytes,
			     gsize size);
void rd_certificate_free(RdCertificate *self);
G_END_DECLS
