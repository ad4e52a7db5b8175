// SPDX-License-Identifier: MPL-2.0

// Package nocloud makes seeds for cloud-init's NoCloud datasource.
//
// A Seed is up to four documents: user-data (what the machine is to do),
// meta-data (who it is), network-config and vendor-data. cloud-init reads them
// once, early at boot, and passes over in silence what it does not understand: a
// document without its header line, a directory without meta-data, a
// datasource list that never looks. So a seed goes three steps here:
//
//	Check    says what cloud-init would misread, with line and column
//	Render   gives the files to write, with an instance-id
//	Installer gives the shell script that puts them in place
//
// The script also looks at the machine: its own cloud-init schema judges the
// documents, its own ds-identify must find the seed, and what counts more than
// the seed is told. ParseReport reads what it says; Report.Warnings and Judgement
// put that in words.
//
// Check judges as cloud-init does, not as the formats' standards do. YAML, for
// one, is read by PyYAML there, which refuses tabs that other parsers take
// for blanks. What cloud-init would carry out is never an error; at most it is
// a warning. There are five deliberate exceptions, where a document works by
// luck in some versions or means other than it says: a byte order mark, CRLF
// line ends, anything (even blank lines) before the header, a key given
// twice, and the instance-id "nocloud", which all clones would share.
//
// Render keeps every document as it was given, byte for byte; only keys that are
// missing from meta-data are added to it. Where user-data has several parts
// (Parts), it makes a MIME message of them, whose boundary is derived from them,
// and says how cloud-init is to merge them: so that lists are appended.
//
// The package knows nothing of Packer or of disks; a carrier other than the
// seed directory (a CIDATA volume, an HTTP directory) takes the same Rendered.
package nocloud
