// SPDX-License-Identifier: MPL-2.0

// Package disk makes a placed layout real: it creates the raw file, writes the
// partition table, makes and fills the file systems and mounts them, and takes
// all of it apart again.
//
// Everything that can be written into the file directly is, before a device
// exists: the table, ext file systems together with their files (mke2fs -d),
// and empty FAT volumes. Then a loop device is attached, for the boot loader,
// for mkfs programs that need a device, and for the mounts.
//
// No kernel feature is assumed beyond loop devices and the root's file system:
// partitions are announced by ioctl, with one loop device per partition as a
// fallback; missing device nodes are made; FAT is written by this package, so a
// vfat volume is mounted as a tmpfs that names the partition as its source, and
// its files are put into the volume at the end.
//
// A Disk is released by CleanClose, whose error must fail the build, and by
// Close, the crash net, which forces its way.
//
// Mounts are made in the calling process's mount namespace; give it a private
// one.
package disk
