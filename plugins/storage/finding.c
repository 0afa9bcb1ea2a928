/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "finding.h"
#include <stdarg.h>
#include <string.h>

#define EVIDENCE_MAX 600 /* bytes */

static const char *const severities[] = {
    [STORAGE_NOTE] = "note",
    [STORAGE_WARNING] = "warning",
    [STORAGE_CRITICAL] = "critical",
};
G_STATIC_ASSERT(G_N_ELEMENTS(severities) == STORAGE_CRITICAL + 1);

const char *
storage_severity_to_string(StorageSeverity severity)
{
	return severities[severity];
}

void
storage_finding_free(StorageFinding *self)
{
	g_free(self->kind);
	g_free(self->object);
	g_free(self->node);
	g_free(self->evidence);
	g_free(self->manual);
	g_free(self->remedy);
	g_free(self);
}

/* one line of valid text */
static char *
tidy(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *cut = NULL;

	for (char *p = valid; *p != '\0'; p++)
		if ((guchar)*p < ' ' || *p == 0x7f)
			*p = ' ';
	if (strlen(valid) <= EVIDENCE_MAX)
		return g_steal_pointer(&valid);
	valid[EVIDENCE_MAX] = '\0';
	/* not in the middle of a character */
	cut = g_utf8_make_valid(valid, -1);
	return g_strconcat(cut, " …", NULL);
}

StorageFinding *
storage_finding_add(GPtrArray *all, StorageSeverity severity, const char *kind, const char *object,
		    const char *node, const char *evidence_format, ...)
{
	StorageFinding *self = g_new0(StorageFinding, 1);
	g_autofree char *evidence = NULL;
	va_list args;

	va_start(args, evidence_format);
	evidence = g_strdup_vprintf(evidence_format, args);
	va_end(args);
	self->severity = severity;
	self->kind = g_strdup(kind);
	self->object = g_strdup(object);
	self->node = g_strdup(node != NULL ? node : "");
	self->evidence = tidy(evidence);
	self->manual = g_strdup("");
	self->remedy = g_strdup("");
	g_ptr_array_add(all, self);
	return self;
}

void
storage_finding_set_manual(StorageFinding *self, const char *format, ...)
{
	va_list args;

	g_free(self->manual);
	va_start(args, format);
	self->manual = g_strdup_vprintf(format, args);
	va_end(args);
}

char *
storage_word(const char *text)
{
	gboolean plain = *text != '\0' && *text != '-';

	for (const char *p = text; *p != '\0' && plain; p++)
		plain = g_ascii_isalnum(*p) || strchr("._-:/@", *p) != NULL;
	return plain ? g_strdup(text) : g_shell_quote(text);
}

char *
storage_object_name(const char *kind, JsonNode *object)
{
	const char *namespace = rd_api_text(object, "metadata", "namespace", NULL);

	return g_strdup_printf("%s/%s%s%s", kind, namespace, *namespace != '\0' ? "/" : "",
			       rd_api_name(object));
}

/* ---- all of them --------------------------------------------------------------------------- */

static int
compare(gconstpointer a, gconstpointer b)
{
	const StorageFinding *one = *(StorageFinding *const *)a;
	const StorageFinding *other = *(StorageFinding *const *)b;
	int order = (int)other->severity - (int)one->severity;

	if (order == 0)
		order = strcmp(one->kind, other->kind);
	if (order == 0)
		order = strcmp(one->object, other->object);
	if (order == 0)
		order = strcmp(one->node, other->node);
	return order != 0 ? order : strcmp(one->evidence, other->evidence);
}

void
storage_findings_sort(GPtrArray *all)
{
	g_ptr_array_sort(all, compare);
}

static void
add_text(JsonBuilder *json, const char *name, const char *value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_string_value(json, value);
}

static void
add_names(JsonBuilder *json, const char *member, GPtrArray *names)
{
	json_builder_set_member_name(json, member);
	json_builder_begin_array(json);
	for (guint i = 0; i < names->len; i++)
		json_builder_add_string_value(json, names->pdata[i]);
	json_builder_end_array(json);
}

char *
storage_findings_to_json(GPtrArray *all, GPtrArray *looked, GPtrArray *not_looked)
{
	g_autoptr(JsonBuilder) json = json_builder_new_immutable();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(json);
	json_builder_set_member_name(json, "format");
	json_builder_add_int_value(json, 1);
	add_names(json, "looked", looked);
	add_names(json, "not-looked", not_looked);
	json_builder_set_member_name(json, "findings");
	json_builder_begin_array(json);
	for (guint i = 0; i < all->len; i++) {
		const StorageFinding *finding = all->pdata[i];

		json_builder_begin_object(json);
		add_text(json, "kind", finding->kind);
		add_text(json, "severity", storage_severity_to_string(finding->severity));
		add_text(json, "object", finding->object);
		add_text(json, "node", finding->node);
		add_text(json, "evidence", finding->evidence);
		add_text(json, "manual", finding->manual);
		add_text(json, "remedy", finding->remedy);
		json_builder_set_member_name(json, "gates-drain");
		json_builder_add_boolean_value(json, finding->gates);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	return rd_api_json(root);
}
