// SPDX-License-Identifier: MPL-2.0

// Package element finds elements and works out which of them an image needs.
//
// An element is a directory in the format of diskimage-builder: phase
// directories with hooks, data files, and two optional lists that this package
// reads: element-deps (what else is needed) and element-provides (which names,
// virtual or real, it stands in for). The name of an element is the name of its
// directory.
//
// Elements come from a search path and from the built-in ones. Load makes a
// Catalog of both; of elements with one name that on the earliest path serves,
// the built-in one last. The other way round for infrastructure elements: they
// are features of the engine, so the built-in one serves unless the request
// names it in PathInfrastructure.
//
// Catalog.Resolve turns the elements that a template asks for into a Set: the
// closure over element-deps, less the names that some element provides. The
// algorithm is diskimage-builder's own (element contract §3.3), except that
// nothing in it depends on the order of a hash table: dependencies are read in
// the order of their names, and the Set is in topological order.
//
// The order of a Set: an element comes after those that it depends on (also
// through a name that they provide); among elements that could come next, the
// one whose name is smallest bytewise comes first. Elements that depend on each
// other in a cycle count as free of each other.
//
// All of it is pure but for reading the directories on the search path.
package element
