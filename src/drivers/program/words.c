/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "drivers/program/words.h"

#include "base/error.h"

#include <string.h>

static gboolean fail(GError **error, const char *what)
{
    g_set_error(error, FLEET_ERROR, FLEET_ERROR_INVALID_ARGUMENT, "the command line %s", what);
    return FALSE;
}

/* Reads one word from *line, which stands at its beginning, and moves it behind. */
static gboolean read_word(const char **line, GString *word, GError **error)
{
    const char *p = *line;
    char quote = '\0';

    for (; *p != '\0' && (quote != '\0' || strchr(" \t", *p) == NULL); p++) {
        if (*p == quote) {
            quote = '\0';
        } else if (quote == '\0' && (*p == '\'' || *p == '"')) {
            quote = *p;
        } else if (*p == '\\' && quote != '\'') {
            if (*++p == '\0')
                return fail(error, "ends with a backslash; write \\\\ for the character itself");
            g_string_append_c(word, *p);
        } else {
            g_string_append_c(word, *p);
        }
    }
    if (quote != '\0')
        return fail(error, quote == '"' ? "lacks a closing \"" : "lacks a closing '");
    *line = p;
    return TRUE;
}

char **fleet_program_split_words(const char *line, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    for (line += strspn(line, " \t"); *line != '\0'; line += strspn(line, " \t")) {
        g_autoptr(GString) word = g_string_new(NULL);

        if (!read_word(&line, word, error))
            return NULL;
        g_ptr_array_add(words, g_string_free(g_steal_pointer(&word), FALSE));
    }
    if (words->len == 0) {
        fail(error, "is empty; name a program");
        return NULL;
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}
