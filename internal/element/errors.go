// SPDX-License-Identifier: MPL-2.0

package element

import (
	"fmt"
	"strings"

	near "github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// InvalidElementDirError says that a part of the search path is no directory.
type InvalidElementDirError struct {
	// Path is the part as given; empty for an empty part.
	Path string
	// Err is what the system said, nil if the path is there but no directory.
	Err error
}

func (e *InvalidElementDirError) Error() string {
	switch {
	case e.Path == "":
		return "element path has an empty part; remove it, or write . for the current directory"
	case e.Err != nil:
		return fmt.Sprintf("element path %q is not a readable directory: %v; give the directory that holds the elements", e.Path, e.Err)
	}
	return fmt.Sprintf("element path %q is not a directory; give the directory that holds the elements", e.Path)
}

// Unwrap returns what the system said.
func (e *InvalidElementDirError) Unwrap() error { return e.Err }

// MissingElementError says that an element does not exist.
type MissingElementError struct {
	// Name is the element that was looked for.
	Name string
	// Reason tells who wants it.
	Reason Reason
	// File is the element-deps file that names it, empty if the template does.
	File string
	// SearchPath is where it was looked for, before the built-in elements.
	SearchPath []string
	// Nearest are existing elements with a similar name, best first.
	Nearest []string
	// Providers are existing elements that provide the name.
	Providers []string
	// Upstream says what the element is to diskimage-builder and what can be
	// done, if diskimage-builder has or had it.
	Upstream string
	// Alias is the name under which the element is known if a link on the
	// search path has the name.
	Alias string
}

func (e *MissingElementError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "element %q not found (%s", e.Name, e.Reason)
	if e.File != "" {
		fmt.Fprintf(&b, ", in %s", e.File)
	}
	fmt.Fprintf(&b, "; searched %s)", searched(e.SearchPath))
	if hint := e.hint(); hint != "" {
		b.WriteString(": " + hint)
	}
	return b.String()
}

// hint is what the user can do.
func (e *MissingElementError) hint() string {
	switch {
	case strings.HasPrefix(e.Name, "#"):
		return DepsFile + " knows no comments; remove the line"
	case e.Alias != "":
		return fmt.Sprintf("it is a link to an element that is called %s, as its directory is; write that name", e.Alias)
	case e.Upstream != "":
		return e.Upstream
	case len(e.Providers) > 0:
		return "it is a virtual element; add one that provides it: " + strings.Join(e.Providers, ", ")
	case strings.ContainsFunc(e.Name, blank) && e.File == "":
		return "the name has white space in it; write each name by itself, in quotes of its own"
	case strings.ContainsFunc(e.Name, blank):
		return "the name has white space in it; write one name per line"
	case e.Name == "":
		return "the name is empty; remove it"
	case len(e.Nearest) > 0:
		return "did you mean " + strings.Join(e.Nearest, ", ") + "?"
	}
	return "check the name, or add the directory that holds it to element_paths"
}

// InfrastructureError says that a choice between the built-in version of an
// element and the one on the search path was made for an element without one.
type InfrastructureError struct{ Name string }

func (e *InfrastructureError) Error() string {
	return fmt.Sprintf("%q is not an infrastructure element%s; leave it out, as other elements are taken from element_paths anyway; these can be named: %s",
		e.Name, near.Hint(e.Name, Infrastructure()), strings.Join(Infrastructure(), ", "))
}

// Provision tells which elements provide a name.
type Provision struct {
	Name string
	// By is one element, or more if they are in conflict.
	By []string
}

// AlreadyProvidedError says that two elements stand in for one name.
type AlreadyProvidedError struct {
	// Provision is the name and who provides it already.
	Provision
	// Element is the one that cannot be had beside them.
	Element string
	// Requested tells that Element is Name itself, asked for by the template.
	Requested bool
	// File is the element-provides file of the first provider.
	File string
}

func (e *AlreadyProvidedError) Error() string {
	by := strings.Join(e.By, ", ")
	switch {
	case e.Requested:
		return fmt.Sprintf("element %q is already provided by %s (in %s); take one of them off the list of elements", e.Name, by, e.File)
	case e.By[0] == e.Element:
		return fmt.Sprintf("element %q is listed twice, but provides %q (in %s), which is already provided then; list it once", e.Element, e.Name, e.File)
	}
	return fmt.Sprintf("element %q provides %q, which is already provided by %s (in %s); only one of them can be used", e.Element, e.Name, by, e.File)
}

// MissingOSError says that no element provides an operating system.
type MissingOSError struct {
	// Elements is what was requested.
	Elements []string
	// Providers are the elements that would do, sorted.
	Providers []string
	// SearchPath is where they were looked for, before the built-in elements.
	SearchPath []string
}

func (e *MissingOSError) Error() string {
	text := fmt.Sprintf("no operating system element among %s", quoted(e.Elements))
	if len(e.Providers) == 0 {
		return text + fmt.Sprintf(", and none was found (searched %s); add a directory with one to element_paths", searched(e.SearchPath))
	}
	return text + "; add one of: " + strings.Join(e.Providers, ", ")
}

func searched(paths []string) string {
	return strings.Join(append(append([]string{}, paths...), "the built-in elements"), ", ")
}

func quoted(names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = fmt.Sprintf("%q", name)
	}
	return "[" + strings.Join(words, " ") + "]"
}
