/* SPDX-License-Identifier: MIT */
/* Settings that scripts change with commands of the real machine: a folder as /proc/sys is read
 * again, and what has changed in it is the host's too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/so/adapter.h"

/* The text of a setting, without the line feed; "" = it is not there. */
static void read_setting(const struct so_adapter *adapter, const char *name,
                         char text[SO_SETTING_TEXT])
{
    char path[4096];
    text[0] = 0;
    int length = snprintf(path, sizeof path, "%s/%s", adapter->choice.settings, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return;
    for (char *at = path + strlen(adapter->choice.settings); *at != 0; at++)
        if (*at == '.')
            *at = '/';
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    size_t got = fread(text, 1, SO_SETTING_TEXT - 1, file);
    fclose(file);
    text[got] = 0;
    text[strcspn(text, "\n")] = 0;
}

void so_settings_begin(struct so_adapter *adapter)
{
    if (adapter->choice.settings == NULL)
        return;
    adapter->followed = pkt_arena_array(&adapter->arena, SO_SETTINGS_MAX, SO_SETTING_TEXT);
    const char *name;
    for (unsigned i = 0; i < SO_SETTINGS_MAX && (name = sock_setting_name(i)) != NULL; i++)
        read_setting(adapter, name, adapter->followed[i]);
}

static void apply(struct so_adapter *adapter, const char *name, const char *value)
{
    const char *why = NULL;
    int status = adapter->machine != NULL
                     ? pkt_machine_set(adapter->machine, name, value, &why)
                     : sock_setting_set(&adapter->choice.host, name, value, &why);
    if (status != 0) /* a script's own check of its settings has been passed: it must be told */
        fprintf(stderr, SO_NAME ": setting %s = %s: %s\n", name, value,
                why != NULL ? why : "not a value of it");
}

void so_settings_follow(struct so_adapter *adapter)
{
    char text[SO_SETTING_TEXT];
    const char *name;
    if (adapter->followed == NULL)
        return;
    for (unsigned i = 0; i < SO_SETTINGS_MAX && (name = sock_setting_name(i)) != NULL; i++) {
        read_setting(adapter, name, text);
        if (text[0] == 0 || strcmp(text, adapter->followed[i]) == 0)
            continue;
        memcpy(adapter->followed[i], text, sizeof text);
        apply(adapter, name, text);
    }
}
