// SPDX-License-Identifier: MPL-2.0

// Package schema knows what may stand in a cloud-config and in a
// network-config: keys, types, allowed values, and since or until which version of
// cloud-init. It is written from cloud-init's and netplan's documentation.
//
// The tables are data: a Type says what a value may be, a mapping's Type holds
// those of its keys. One judge walks a document along them. What it finds is
// graded by what cloud-init does:
//
//	error    cloud-init would ignore or fail on it, or do something else than it
//	         says: a list where text belongs, a misspelt key, an entry without
//	         what it needs
//	warning  cloud-init carries it out, though its own schema complains; what is
//	         deprecated, or not known to the version on the target
//
// A key that nobody knows is an error only if it is nearly one that exists; else a
// newer cloud-init or a module of one's own may know it. Findings name keys and
// paths, never values, which may be secret.
package schema
