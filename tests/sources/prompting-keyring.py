#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A Secret Service that asks for everything that changes it, as KeePassXC does and gnome-keyring never.

    prompting-keyring.py [yes|no]       what the person says; nothing for ever without it

It has one empty collection, which is not locked, and knows no encryption of the session.  Each call that it is made goes
to standard output as a line.  https://specifications.freedesktop.org/secret-service/
"""
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

API = "org.freedesktop.Secret."
ROOT = "/org/freedesktop/secrets"
ANSWER = sys.argv[1] if len(sys.argv) > 1 else ""
PROPERTIES = {
    API + "Service": {"Collections": dbus.Array([ROOT + "/collection/kept"], signature="o")},
    API + "Collection": {"Locked": False, "Label": "kept", "Items": dbus.Array([], signature="o"),
                         "Created": dbus.UInt64(0), "Modified": dbus.UInt64(0)},
    API + "Item": {"Locked": False, "Label": "", "Attributes": dbus.Dictionary({}, signature="ss")},
}


class NotSupported(dbus.DBusException):
    _dbus_error_name = "org.freedesktop.DBus.Error.NotSupported"


def said(what):
    print(what, flush=True)


class Thing(dbus.service.Object):
    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface):
        return PROPERTIES.get(interface, {})


class Service(Thing):
    @dbus.service.method(API + "Service", in_signature="sv", out_signature="vo")
    def OpenSession(self, algorithm, _):
        said("OpenSession " + algorithm)
        if algorithm != "plain":
            raise NotSupported(algorithm)
        return dbus.String("", variant_level=1), dbus.ObjectPath(ROOT + "/session/1")

    @dbus.service.method(API + "Service", in_signature="a{ss}", out_signature="aoao")
    def SearchItems(self, _):
        said("SearchItems")
        return [], []

    @dbus.service.method(API + "Service", in_signature="s", out_signature="o")
    def ReadAlias(self, _):
        return dbus.ObjectPath(ROOT + "/collection/kept")


class Collection(Thing):
    @dbus.service.method(API + "Collection", in_signature="a{sv}(oayays)b", out_signature="oo")
    def CreateItem(self, _properties, _secret, _replace):
        said("CreateItem")
        return dbus.ObjectPath("/"), dbus.ObjectPath(ROOT + "/prompt/1")


class Prompt(Thing):
    @dbus.service.method(API + "Prompt", in_signature="s")
    def Prompt(self, _):
        said("Prompt")
        if ANSWER:
            self.Completed(ANSWER == "no", dbus.ObjectPath("/" if ANSWER == "no" else ROOT + "/collection/kept/1", variant_level=1))

    @dbus.service.method(API + "Prompt")
    def Dismiss(self):
        said("Dismiss")
        self.Completed(True, dbus.ObjectPath("/", variant_level=1))

    @dbus.service.signal(API + "Prompt", signature="bv")
    def Completed(self, _dismissed, _result):
        pass


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
name = dbus.service.BusName("org.freedesktop.secrets", bus)
things = [Service(bus, ROOT), Collection(bus, ROOT + "/collection/kept"), Thing(bus, ROOT + "/collection/kept/1"),
          Prompt(bus, ROOT + "/prompt/1")]
GLib.MainLoop().run()
