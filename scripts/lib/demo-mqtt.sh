# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What scripts/demo --mqtt shows; to be sourced by it, whose variables it uses.
# shellcheck disable=SC2034,SC2154

# The broker listens on a socket in the file system: it is in nobody's way, and nobody else gets to it. Nobody waits for
# it here, for the devices do.
start_broker() {
    cat >"$directory/mosquitto.conf" <<EOF
listener 0 $directory/broker
allow_anonymous true
EOF
    # As root it would become another user, who may not write here.
    [ "$(id -u)" -ne 0 ] || echo 'user root' >>"$directory/mosquitto.conf"
    type_out mosquitto -c "$directory/mosquitto.conf" '&'
    setsid mosquitto -c "$directory/mosquitto.conf" >"$directory/broker.log" 2>&1 &
    broker_pid=$!
}

# start_device ID OPTION...
start_device() {
    local command=(fleet-simulated-device --broker="$directory/broker" --id="$@")

    type_out "${command[@]}" '&'
    mkfifo "$directory/$1"
    setsid "${command[@]}" >"$directory/$1" 2>>"$directory/devices.log" &
    device_pids+=("$!")
    read -r -t 20 _ <"$directory/$1" ||
        die "$1 does not come up: $(cat "$directory/devices.log" "$directory/broker.log")"
}

mqtt_settings() {
    cat <<EOF
[ThinEdge]
Broker=$directory/broker
EOF
}

start_devices() {
    start_device router-1 --duration=3s --progress=3
    start_device camera-1 --duration=2s --fail='no space left on device'
    start_device sensor-1 --duration=4s --offline-at=executing:2s
}

register_mqtt_devices() {
    show fleetctl register router-1 --name 'Main Router' --type router --driver thin-edge
    show fleetctl register camera-1 --name 'Gate Camera' --type camera --driver thin-edge
    # The fleet's names are its own: where a device is on the broker is its address.
    show fleetctl register cellar-thermometer --name 'Cellar' --type sensor --driver thin-edge --address=sensor-1
    show fleetctl get-info cellar-thermometer
    show fleetctl list
}

# Waits for the end of an action, which must be that one. expect_end ACTION STATUS
expect_end() {
    local status

    show fleetctl poll-action "$1" --interval 1 | cat || true
    status=$(fleetctl --json=short action-status "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Status"])')
    [ "$status" = "$2" ] || die "$1 has ended as $status, not as $2"
}

update_mqtt_devices() {
    local router camera sensor

    start_monitor
    initiate router-1 FIRMWARE_UPDATE --params name=router-os version=2.0 url=https://example.com/router-os
    router=$action
    initiate camera-1 SOFTWARE_UPDATE --params name=motion version=4.6 url=https://example.com/motion.deb
    camera=$action
    initiate cellar-thermometer CONFIGURATION_CHANGE --params type=settings url=https://example.com/settings.toml
    sensor=$action
    expect_end "$camera" FAILED
    expect_end "$router" COMPLETED
    expect_end "$sensor" COMPLETED
    stop_monitor
    show fleetctl action-status "$camera"
    show fleetctl history "$sensor"
    show fleetctl list
}

demonstrate_mqtt() {
    title 'An MQTT broker, and three devices: a good one, one that fails, one that loses its connection'
    start_broker
    start_devices
    title 'fleetd on a private bus, at that broker'
    start_bus
    start_fleetd "$(mqtt_settings)"
    title 'A fleet of three'
    register_mqtt_devices
    title 'An update for each, watched live'
    update_mqtt_devices
    title 'The same, as the devices saw it'
    cat "$directory/devices.log"
    [ "$interactive" = yes ] || return 0
    play <<EOF
    fleetctl initiate-action cellar-thermometer SYSTEM_REBOOT --wait
    mosquitto_sub --unix $directory/broker -v -t 'te/#'
    fleet-simulated-device --broker=$directory/broker --id=router-2 &
    fleetctl register router-2 --type router --driver thin-edge
    fleetctl monitor
EOF
}
