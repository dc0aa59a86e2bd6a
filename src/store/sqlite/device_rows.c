/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/sqlite/device_rows.h"

#include "store/sqlite/row.h"

#include <sqlite3.h>

static const char insert_sql[] =
        "INSERT INTO devices (key, id, name, type, driver, status, registered_at, updated_at, last_seen_at, "
        "owner_uid, address, away) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
static const char update_sql[] =
        "UPDATE devices SET name = ?2, type = ?3, driver = ?4, status = ?5, updated_at = ?6, last_seen_at = ?7, "
        "address = ?8, away = ?9 WHERE key = ?1";
static const char see_sql[] = "UPDATE devices SET last_seen_at = ?2 WHERE key = ?1";
static const char delete_sql[] = "DELETE FROM devices WHERE key = ?1";
static const char load_sql[] =
        "SELECT key, id, name, type, driver, status, registered_at, updated_at, last_seen_at, owner_uid, address, "
        "away FROM devices "
        "ORDER BY id";

/* Whether it is there is known anew after a start; only that it was away makes a difference. */
static int is_away(const FleetDevice *device)
{
    return device->presence == FLEET_PRESENCE_OFFLINE;
}

gboolean fleet_device_rows_insert(FleetDatabase *database, const FleetDevice *device, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, insert_sql, error);
    int bound;

    if (statement == NULL)
        return FALSE;
    bound = sqlite3_bind_int64(statement, 1, device->key) | fleet_row_bind_text(statement, 2, device->id) |
            fleet_row_bind_text(statement, 3, device->name) | fleet_row_bind_text(statement, 4, device->type) |
            fleet_row_bind_text(statement, 5, device->driver) |
            sqlite3_bind_int(statement, 6, (int)device->own_status) |
            sqlite3_bind_int64(statement, 7, device->registered_at) |
            sqlite3_bind_int64(statement, 8, device->updated_at) |
            sqlite3_bind_int64(statement, 9, fleet_device_last_seen(device)) |
            sqlite3_bind_int64(statement, 10, device->owner_uid) | fleet_row_bind_text(statement, 11, device->address) |
            sqlite3_bind_int(statement, 12, is_away(device));
    return fleet_database_change_row(database, statement, bound, "device row", device->key, error);
}

gboolean fleet_device_rows_update(FleetDatabase *database, const FleetDevice *device, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, update_sql, error);
    int bound;

    if (statement == NULL)
        return FALSE;
    bound = sqlite3_bind_int64(statement, 1, device->key) | fleet_row_bind_text(statement, 2, device->name) |
            fleet_row_bind_text(statement, 3, device->type) | fleet_row_bind_text(statement, 4, device->driver) |
            sqlite3_bind_int(statement, 5, (int)device->own_status) |
            sqlite3_bind_int64(statement, 6, device->updated_at) |
            sqlite3_bind_int64(statement, 7, fleet_device_last_seen(device)) |
            fleet_row_bind_text(statement, 8, device->address) | sqlite3_bind_int(statement, 9, is_away(device));
    return fleet_database_change_row(database, statement, bound, "device row", device->key, error);
}

gboolean fleet_device_rows_see(FleetDatabase *database, const FleetDevice *device, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, see_sql, error);
    int bound;

    if (statement == NULL)
        return FALSE;
    bound = sqlite3_bind_int64(statement, 1, device->key) |
            sqlite3_bind_int64(statement, 2, fleet_device_last_seen(device));
    return fleet_database_change_row(database, statement, bound, "device row", device->key, error);
}

gboolean fleet_device_rows_delete(FleetDatabase *database, const FleetDevice *device, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, delete_sql, error);

    if (statement == NULL)
        return FALSE;
    return fleet_database_change_row(
            database, statement, sqlite3_bind_int64(statement, 1, device->key), "device row", device->key, error);
}

/* What the registry would not have let in must not come in through the database either. */
static void check_texts(FleetRow *row, const char *id, const char *name, const char *type, const char *address)
{
    g_autoptr(GError) error = NULL;

    if (row->error != NULL)
        return;
    if (!fleet_device_id_check(id, &error))
        fleet_row_fail(row, 1, error->message);
    else if (!fleet_device_name_check(name, &error))
        fleet_row_fail(row, 2, error->message);
    else if (!fleet_device_type_check(type, &error))
        fleet_row_fail(row, 3, error->message);
    else if (!fleet_device_address_check(address, &error))
        fleet_row_fail(row, 10, error->message);
}

static FleetDevice *read_device(FleetDatabase *database, sqlite3_stmt *statement, GError **error)
{
    FleetRow row = {.database = database,
            .statement = statement,
            .what = "device row",
            .key = sqlite3_column_int64(statement, 0)};
    const char *id = fleet_row_text(&row, 1), *name = fleet_row_text(&row, 2), *type = fleet_row_text(&row, 3);
    const char *address = fleet_row_text(&row, 10);
    g_autoptr(FleetDevice) device = fleet_device_new(id, name, type, fleet_row_text(&row, 4));

    check_texts(&row, id, name, type, address);
    device->key = fleet_row_integer(&row, 0, 1, G_MAXINT64);
    device->own_status = (FleetDeviceStatus)fleet_row_integer(&row, 5, 0, FLEET_DEVICE_STATUS_LAST_ - 1);
    device->registered_at = fleet_row_integer(&row, 6, 0, G_MAXINT64);
    device->updated_at = fleet_row_integer(&row, 7, 0, G_MAXINT64);
    device->last_seen_at = fleet_row_integer(&row, 8, 0, G_MAXINT64);
    device->owner_uid = (uid_t)fleet_row_integer(&row, 9, 0, G_MAXUINT32);
    device->presence = fleet_row_integer(&row, 11, 0, 1) != 0 ? FLEET_PRESENCE_OFFLINE : FLEET_PRESENCE_UNKNOWN;
    fleet_device_set_address(device, address);
    fleet_device_show_status(device);
    return fleet_row_finish(&row, error) ? g_steal_pointer(&device) : NULL;
}

gboolean fleet_device_rows_load(FleetDatabase *database, FleetStoreDeviceFunc func, gpointer user_data, GError **error)
{
    sqlite3_stmt *statement = fleet_database_statement(database, load_sql, error);
    int code;

    if (statement == NULL)
        return FALSE;
    while ((code = fleet_database_step(database, statement)) == SQLITE_ROW) {
        FleetDevice *device = read_device(database, statement, error);

        if (device == NULL)
            break;
        func(device, user_data);
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        fleet_database_set_error(database, error);
    sqlite3_reset(statement);
    return code == SQLITE_DONE;
}

gboolean fleet_device_rows_last_key(FleetDatabase *database, gint64 *key, GError **error)
{
    return fleet_database_read_integer(database, "SELECT max(key) FROM devices", key, error);
}
