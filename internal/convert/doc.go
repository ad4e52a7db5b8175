// SPDX-License-Identifier: MPL-2.0

// Package convert turns what people build images with by diskimage-builder (a
// command line or a script that calls disk-image-create, or a YAML file of
// diskimage-builder) into a Packer template that builds the same images.
//
// The way of the data:
//
//	script ──► commands ─┐
//	arguments ───────────┼─► Invocation ──► Image ──► template
//	YAML ──► entries ────┘   one command    options    HCL
//
// No shell is run. What a shell would have put in at run time stays in the
// texts as a mark (text.go): the working directory, the home directory and
// variables that the script does not set have an equal in a template; a command
// substitution has none, and is said to be unreadable.
//
// Every finding is a Message. Nothing is dropped in silence: what has no equal
// becomes a message and a comment in the template.
package convert
