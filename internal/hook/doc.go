// SPDX-License-Identifier: MPL-2.0

// Package hook knows the hooks of elements: when they run, where, in which
// order, and how those of many elements become one tree.
//
// A build is a row of phases (Phases). To each belongs a directory of the same
// name, such as install.d, that any element may have. Before the first phase
// the directories of all elements are merged into one tree (Merge, Tree.Write),
// with everything else that lies beside the hooks: scripts reach their data as
// $(dirname $0)/../static.
//
// Two kinds of files run. Hooks are executable files directly in a phase's
// directory, in the order of Sort: by the number that the name begins with,
// then bytewise. Environment files lie in environment.d, need not be
// executable, are sourced before the hooks of every phase, and are ordered
// bytewise without regard to numbers. The two orders differ, and elements
// depend on both.
//
// A Tree tells before the build what will run. What does run is decided when a
// phase begins (List, ListEnvironment), as earlier hooks may have added files.
package hook
