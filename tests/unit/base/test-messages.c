/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The events of base/messages.def, their entries in systemd/fleetd.catalog, and where the source uses them: each has
 * the others. */

#include "base/log.h"
#include "lib/main.h"

#include <string.h>

static const struct {
    const char *name;
    const char *id;
} messages[] = {
#define FLEET_MESSAGE(name_, id_) {.name = #name_, .id = (id_)},
#include "base/messages.def"
#undef FLEET_MESSAGE
};

static char *read_source(const char *path)
{
    g_autofree char *whole = g_build_filename(fleet_test_env("FLEET_SOURCE"), path, NULL);

    return fleet_test_read(whole);
}

/* The entry of a message: what stands between its line and the next one's. NULL if there is none. */
static char *find_entry(const char *catalog, const char *id)
{
    g_autofree char *line = g_strdup_printf("\n-- %s\n", id);
    const char *start = strstr(catalog, line);

    if (start == NULL)
        return NULL;
    ck_assert_msg(strstr(start + 1, line) == NULL, "%s has two entries", id);
    start += strlen(line);
    const char *end = strstr(start, "\n-- ");
    return end != NULL ? g_strndup(start, (gsize)(end - start)) : g_strdup(start);
}

START_TEST(ids_are_different)
{
    for (guint i = 0; i < G_N_ELEMENTS(messages); i++) {
        ck_assert_msg(g_regex_match_simple("^[0-9a-f]{32}$", messages[i].id, 0, 0), "%s", messages[i].id);
        for (guint k = 0; k < i; k++)
            ck_assert_str_ne(messages[i].id, messages[k].id);
    }
}
END_TEST

START_TEST(message_has_an_entry)
{
    g_autofree char *catalog = read_source("systemd/fleetd.catalog");
    g_autofree char *entry = find_entry(catalog, messages[_i].id);

    ck_assert_msg(entry != NULL, "%s has no entry in fleetd.catalog", messages[_i].name);
    fleet_test_assert_matches(
            entry, "\\ASubject: \\S.*\nDefined-By: fleetd\nDocumentation: man:\\S+\\([0-9]\\)\n\n\\S");
    /* What it means, and what to do about it. */
    fleet_test_assert_matches(entry, "\\S\n\n\\S");
}
END_TEST

START_TEST(entry_has_a_message)
{
    g_autofree char *catalog = read_source("systemd/fleetd.catalog");
    guint n = 0;

    for (const char *line = catalog; (line = strstr(line, "\n-- ")) != NULL; line++)
        n++;
    ck_assert_uint_eq(n, G_N_ELEMENTS(messages));
}
END_TEST

/* A misspelt field would be shown as an empty place. */
START_TEST(fields_of_entries_are_documented)
{
    g_autofree char *catalog = read_source("systemd/fleetd.catalog");
    g_autofree char *manual = read_source("docs/man/fleetd.8.scd");
    g_autoptr(GRegex) regex = g_regex_new("@([^@\n]*)@", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    guint n = 0;

    for (g_regex_match(regex, catalog, 0, &match); g_match_info_matches(match); g_match_info_next(match, NULL), n++) {
        g_autofree char *name = g_match_info_fetch(match, 1);
        g_autofree char *item = g_strdup_printf("*%s=*", name);
        ck_assert_msg(strstr(manual, item) != NULL, "@%s@ in fleetd.catalog is no field of fleetd(8)", name);
    }
    ck_assert_uint_gt(n, 0);
}
END_TEST

static void add_source(GString *all, const char *path)
{
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    const char *name;

    ck_assert_ptr_nonnull(directory);
    while ((name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        if (g_file_test(below, G_FILE_TEST_IS_DIR))
            add_source(all, below);
        else if (g_str_has_suffix(name, ".c")) {
            g_autofree char *text = fleet_test_read(below);
            g_string_append(all, text);
        }
    }
}

START_TEST(messages_are_used)
{
    g_autofree char *source = g_build_filename(fleet_test_env("FLEET_SOURCE"), "src", NULL);
    g_autoptr(GString) all = g_string_new(NULL);

    add_source(all, source);
    for (guint i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_autofree char *pattern = g_strdup_printf("\\bFLEET_MESSAGE_%s\\b", messages[i].name);
        ck_assert_msg(g_regex_match_simple(pattern, all->str, 0, 0), "%s is logged nowhere", messages[i].name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("messages");
    TCase *table = fleet_test_case(suite, "table");
    TCase *catalog = fleet_test_case(suite, "catalog");

    tcase_add_test(table, ids_are_different);
    tcase_add_test(table, messages_are_used);
    tcase_add_loop_test(catalog, message_has_an_entry, 0, (int)G_N_ELEMENTS(messages));
    tcase_add_test(catalog, entry_has_a_message);
    tcase_add_test(catalog, fields_of_entries_are_documented);
    return fleet_test_main(suite);
}
