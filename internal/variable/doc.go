// SPDX-License-Identifier: MPL-2.0

// Package variable finds the DIB_* variables that elements know.
//
// Nobody declares them: hooks, environment.d files and data files just use
// them. So Scan reads all of an element's files but its documentation and
// tests, and takes every word that begins with DIB_, outside comments, for the
// name of a variable. What is a use and what a setting, and which default a
// file gives, is told from the text around the word; nothing is run.
//
// A name that ends in an underscore, such as DIB_REPOREF_, is the beginning of
// names that are put together while the build runs (Use.Prefix).
//
// Table has the variables of all elements of an image and those that the
// builder itself reads, and finds in a list of names those that nobody does.
package variable
