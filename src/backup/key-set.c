/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "key-set.h"

#include <string.h>

/* Open addressing, linear. A slot: 0 is empty, else the hash with its lowest bit saying whether the
 * key lives and its second lowest set. The hash is SipHash-2-4 under a key of this process, so that
 * nobody can prepare a snapshot whose keys all meet in one place. */

#define FIRST_SLOTS 1024

struct _RdKeySet {
	guint64 *slots;
	gsize mask, used;
	guint64 alive;
	guint64 key[2];
};

RdKeySet *
rd_key_set_new(void)
{
	RdKeySet *self = g_new0(RdKeySet, 1);

	self->slots = g_new0(guint64, FIRST_SLOTS);
	self->mask = FIRST_SLOTS - 1;
	for (guint i = 0; i < 2; i++)
		self->key[i] = (guint64)g_random_int() << 32 | g_random_int();
	return self;
}

void
rd_key_set_free(RdKeySet *self)
{
	if (self == NULL)
		return;
	g_free(self->slots);
	g_free(self);
}

static inline guint64
turn(guint64 x, guint bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
mix(guint64 *v)
{
	v[0] += v[1], v[1] = turn(v[1], 13) ^ v[0], v[0] = turn(v[0], 32);
	v[2] += v[3], v[3] = turn(v[3], 16) ^ v[2];
	v[0] += v[3], v[3] = turn(v[3], 21) ^ v[0];
	v[2] += v[1], v[1] = turn(v[1], 17) ^ v[2], v[2] = turn(v[2], 32);
}

static guint64
siphash(const guint64 *key, const guint8 *bytes, gsize size)
{
	guint64 v[4] = {key[0] ^ G_GUINT64_CONSTANT(0x736f6d6570736575),
			key[1] ^ G_GUINT64_CONSTANT(0x646f72616e646f6d),
			key[0] ^ G_GUINT64_CONSTANT(0x6c7967656e657261),
			key[1] ^ G_GUINT64_CONSTANT(0x7465646279746573)};

	for (gsize done = 0; done <= size; done += 8) {
		guint64 word = 0;
		gsize left = MIN(size - done, 8);

		memcpy(&word, bytes + done, left);
		if (left < 8)
			word |= (guint64)(size & 0xff) << 56;
		v[3] ^= word;
		mix(v), mix(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	mix(v), mix(v), mix(v), mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static guint64 *
find(RdKeySet *self, guint64 hash)
{
	gsize at = hash >> 2 & self->mask;

	while (self->slots[at] != 0 && (self->slots[at] | 1) != (hash | 1))
		at = (at + 1) & self->mask;
	return &self->slots[at];
}

static void
grow(RdKeySet *self)
{
	g_autofree guint64 *old = g_steal_pointer(&self->slots);
	gsize old_mask = self->mask;

	self->mask = old_mask * 2 + 1;
	self->slots = g_new0(guint64, self->mask + 1);
	for (gsize i = 0; i <= old_mask; i++)
		if (old[i] != 0)
			*find(self, old[i]) = old[i];
}

void
rd_key_set_put(RdKeySet *self, const guint8 *key, gsize size, gboolean alive)
{
	guint64 hash = siphash(self->key, key, size) | 2;
	guint64 *slot = find(self, hash);

	if (*slot == 0 && ++self->used > (self->mask + 1) / 4 * 3) {
		grow(self);
		slot = find(self, hash);
	}
	if (*slot != 0 && (*slot & 1) != 0)
		self->alive--;
	if (alive)
		self->alive++;
	*slot = alive ? hash | 1 : hash & ~G_GUINT64_CONSTANT(1);
}

guint64
rd_key_set_count(const RdKeySet *self)
{
	return self->alive;
}
