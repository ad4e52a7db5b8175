// SPDX-License-Identifier: MPL-2.0

// Package pipeline carries a plan out: it owns every resource of one build.
//
// A Build goes through the phases of the element contract (§2.2) in methods
// that are called one after the other: Prepare makes the workspace, MakeRoot
// and Install fill the tree, PostInstall and CloseTree finish it, MakeDisk
// turns it into mounted file systems on a loop device, Finalise runs the hooks
// that want to see those, Repeat what provisioners registered, Seal takes everything apart, Encode makes the output
// files and Publish puts them in their place. Close is the crash net for any
// point in between; Keep leaves the tree behind for a person to look at.
//
// Hooks are run by a small bash program (phase.bash), because environment.d is
// bash and has to be sourced in the shell that then runs the hooks. Which
// hooks run, and in which order, is decided in Go.
package pipeline
