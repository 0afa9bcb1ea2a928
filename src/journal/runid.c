/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "runid.h"
#include <string.h>

static const char *const words[] = {
    "acorn",   "agate",	   "alder",   "amber",	 "anchor",  "apple",   "apron",	  "arbor",
    "atlas",   "autumn",   "badge",   "bagel",	 "bamboo",  "banjo",   "barley",  "basil",
    "basket",  "beacon",   "beaver",  "berry",	 "birch",   "bison",   "bobbin",  "bonnet",
    "bottle",  "branch",   "bridge",  "bronze",	 "brook",   "bucket",  "buffalo", "butter",
    "button",  "cabin",	   "cactus",  "camel",	 "candle",  "canoe",   "canyon",  "carrot",
    "castle",  "cedar",	   "cello",   "chalk",	 "cherry",  "chess",   "cider",	  "citrus",
    "clover",  "cobalt",   "cocoa",   "comet",	 "copper",  "coral",   "cotton",  "cradle",
    "crane",   "cricket",  "crown",   "crystal", "daisy",   "delta",   "denim",	  "desert",
    "diamond", "dolphin",  "donkey",  "dragon",	 "drum",    "eagle",   "easel",	  "ebony",
    "elbow",   "elm",	   "ember",   "emerald", "falcon",  "feather", "fennel",  "ferry",
    "fiddle",  "finch",	   "flute",   "forest",	 "fossil",  "fox",     "galaxy",  "garlic",
    "gecko",   "geyser",   "ginger",  "giraffe", "glacier", "goblet",  "granite", "grape",
    "guitar",  "gull",	   "hammock", "harbor",	 "harp",    "hazel",   "hedge",	  "helmet",
    "heron",   "hickory",  "honey",   "igloo",	 "indigo",  "iris",    "island",  "ivory",
    "ivy",     "jacket",   "jade",    "jaguar",	 "jasmine", "jelly",   "jersey",  "jigsaw",
    "juniper", "kayak",	   "kettle",  "kite",	 "kiwi",    "koala",   "ladder",  "lagoon",
    "lantern", "lark",	   "laurel",  "lemon",	 "lentil",  "lily",    "linen",	  "lizard",
    "lobster", "locket",   "lotus",   "magnet",	 "mango",   "maple",   "marble",  "meadow",
    "melon",   "mint",	   "mirror",  "mitten",	 "mosaic",  "muffin",  "mustard", "nectar",
    "needle",  "nickel",   "nutmeg",  "oak",	 "oasis",   "olive",   "onyx",	  "opal",
    "orange",  "orchid",   "otter",   "owl",	 "oyster",  "paddle",  "panda",	  "papaya",
    "parrot",  "peach",	   "pebble",  "pelican", "pepper",  "piano",   "pigeon",  "pillow",
    "pine",    "planet",   "plum",    "pocket",	 "poppy",   "prism",   "puffin",  "quartz",
    "quilt",   "rabbit",   "raven",   "ribbon",	 "robin",   "ruby",    "saddle",  "saffron",
    "salmon",  "sapphire", "satin",   "scarf",	 "sparrow", "spruce",  "squash",  "sunset",
    "teapot",  "thistle",  "tiger",   "timber",	 "topaz",   "trumpet", "tulip",	  "turnip",
    "turtle",  "umbrella", "valley",  "velvet",	 "violin",  "waffle",  "walnut",  "walrus",
    "willow",  "window",   "yarrow",  "yogurt",	 "zebra",   "zephyr",  "zinc",	  NULL,
};

const char *const *
rd_runid_words(void)
{
	return words;
}

const char *
rd_runid_random_word(void)
{
	return words[g_random_int_range(0, G_N_ELEMENTS(words) - 1)];
}

static gsize
span_digits(const char *p)
{
	return strspn(p, "0123456789");
}

/* where the number begins, NULL when @id is none */
static const char *
find_number(const char *id)
{
	const char *p = id;
	gsize letters, digits;

	if (!g_str_has_prefix(p, "r-") || span_digits(p + 2) != 8 || p[10] != '-')
		return NULL;
	p += 11;
	letters = strspn(p, "abcdefghijklmnopqrstuvwxyz");
	if (letters == 0 || letters > 20 || p[letters] != '-')
		return NULL;
	p += letters + 1;
	digits = span_digits(p);
	return digits > 0 && digits <= 9 && p[digits] == '\0' && *p != '0' ? p : NULL;
}

gboolean
rd_runid_is_valid(const char *id)
{
	return find_number(id) != NULL;
}

guint64
rd_runid_get_number(const char *id)
{
	const char *number = find_number(id);

	return number != NULL ? g_ascii_strtoull(number, NULL, 10) : 0;
}

char *
rd_runid_new(gint64 day_us, const char *word, guint64 number)
{
	g_autoptr(GDateTime) day = g_date_time_new_from_unix_utc(day_us / G_USEC_PER_SEC);
	g_autofree char *date = g_date_time_format(day, "%Y%m%d");

	return g_strdup_printf("r-%s-%s-%" G_GUINT64_FORMAT, date, word, number);
}

int
rd_runid_compare(gconstpointer a, gconstpointer b)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;
	int day = strncmp(right, left, strlen("r-YYYYMMDD"));
	guint64 left_number = rd_runid_get_number(left);
	guint64 right_number = rd_runid_get_number(right);

	if (day != 0)
		return day;
	if (left_number != right_number)
		return left_number < right_number ? 1 : -1;
	return strcmp(left, right);
}

gboolean
rd_runid_matches(const char *id, const char *part)
{
	g_autofree char *whole = g_strconcat("-", id, "-", NULL);
	g_autofree char *wanted = g_strconcat("-", part, "-", NULL);

	return *part != '\0' && strstr(whole, wanted) != NULL;
}
