// SPDX-License-Identifier: MPL-2.0

// Package layout says what disk is wanted: table, partitions, file systems,
// mounts, and how large all of it has to be. It is pure: it reads no host and
// touches no device.
//
// The road of a layout is
//
//	YAML ─Parse─► Layout ─ComputeSize─► bytes ─Place─► Placed
//
// A document is the block-device YAML of diskimage-builder (element contract
// §5.3–5.5): a list of plugins, nested or flat. Parse flattens it to nodes that
// name their base, and turns the nodes into a Layout, where sizes may still be
// relative. Place fixes every offset for one disk size. Package disk makes a
// Placed real.
//
// Names are those of the document: a partition, file system or mount keeps its
// node name. Those of disks and partitions are what hooks see in
// IMAGE_BLOCK_DEVICES.
package layout
