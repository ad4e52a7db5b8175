// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// gitTries is how often a transfer from a remote repository is tried.
const gitTries = 5

// bringGit clones a git source from the cache at the wanted ref. The clone stays
// a repository with a branch fetch_REF; ref "*" brings all heads and tags.
func (w *repositories) bringGit(ctx context.Context, r repository) error {
	if base := w.c.getenv("DIB_GITREPOBASE", ""); base != "" && !r.relocated {
		location := rebase(r.location, base)
		w.c.sayf("Transformed %s to %s", redact(r.location), redact(location))
		r.location = location
	}
	place, err := w.cached(r)
	if err != nil {
		return err
	}
	if err := w.cacheGit(ctx, r, place); err != nil {
		return err
	}
	if err := w.image.mkdir(path.Dir(r.dest)); err != nil {
		return err
	}
	w.c.sayf("Cloning from %s cache and applying ref %s", r.name, r.ref)
	if info, err := os.Stat(w.target(r)); err == nil && info.IsDir() {
		return w.compareGit(ctx, r, place)
	}
	return w.cloneGit(ctx, r, place)
}

// cacheGit makes the cache hold the ref.
func (w *repositories) cacheGit(ctx context.Context, r repository, place string) error {
	there, err := exists(place)
	if err != nil {
		return err
	}
	if there && w.quietGit(ctx, place, "rev-parse", "--git-dir") != nil {
		if w.offline {
			return fmt.Errorf("the cached copy %s is no git repository, and DIB_OFFLINE is set; remove it and build once with a network", place)
		}
		w.c.warnf("source %s: the cached copy %s is no git repository; cloning it anew", r.name, place)
		if err := os.RemoveAll(place); err != nil {
			return fmt.Errorf("removing a broken cache entry: %w", err)
		}
		there = false
	}
	if !there {
		if err := w.seedGit(ctx, r, place); err != nil {
			return w.offlineHint(err, place)
		}
	}
	if w.offline && r.ref != "*" && w.hasCommit(ctx, place, r.ref) {
		return nil
	}
	return w.offlineHint(w.updateGit(ctx, r, place), place)
}

// seedGit makes the first copy of a repository in the cache.
func (w *repositories) seedGit(ctx context.Context, r repository, place string) error {
	w.c.sayf("Caching %s from %s in %s", r.name, redact(r.location), place)
	part := place + ".tmp"
	err := w.try(ctx, func() error {
		if err := os.RemoveAll(part); err != nil {
			return err
		}
		return w.c.run(ctx, "git", "clone", "-q", r.location, part)
	})
	if err != nil {
		return fmt.Errorf("cloning %s: %w", redact(r.location), err)
	}
	return os.Rename(part, place)
}

// offlineHint says why the network was asked in spite of DIB_OFFLINE.
func (w *repositories) offlineHint(err error, place string) error {
	if err == nil || !w.offline {
		return err
	}
	return fmt.Errorf("DIB_OFFLINE is set, but what is wanted is not in the cache at %s: %w", place, err)
}

// hasCommit tells whether a repository knows the ref.
func (w *repositories) hasCommit(ctx context.Context, repo, ref string) bool {
	return w.quietGit(ctx, repo, "rev-parse", "-q", "--verify", ref+"^{commit}") == nil
}

// updateGit fetches the ref by its name, which may lie outside heads and tags, or
// else everything, which a commit's hash must be reachable from.
func (w *repositories) updateGit(ctx context.Context, r repository, place string) error {
	w.c.sayf("Updating cache of %s in %s with ref %s", redact(r.location), place, r.ref)
	fetch := []string{"fetch", "-q", "--prune", "--update-head-ok", r.location}
	if r.ref == "*" || w.quietGit(ctx, place, append(fetch, "+"+r.ref+":"+r.ref)...) != nil {
		err := w.try(ctx, func() error {
			return w.git(ctx, place, append(fetch, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")...)
		})
		if err != nil {
			return fmt.Errorf("fetching %s: %w", redact(r.location), err)
		}
	}
	if r.ref != "*" && !w.hasCommit(ctx, place, r.ref) {
		return fmt.Errorf("git: Failed to find reference to %s in %s", r.ref, redact(r.location))
	}
	return nil
}

// compareGit makes sure that a destination that is there already is the same
// source at the same ref.
func (w *repositories) compareGit(ctx context.Context, r repository, place string) error {
	target := w.target(r)
	origin, err := w.c.output(ctx, "git", "--git-dir="+target+"/.git", "config", "remote.origin.url")
	if err != nil {
		return fmt.Errorf("%s is there already and is no clone: %w", r.dest, err)
	}
	if origin != place {
		return fmt.Errorf("REPOLOCATIONS don't match: %s is there already, from another location (%s != %s)", r.dest, place, origin)
	}
	if r.ref == "*" {
		return nil
	}
	if err := w.quietGit(ctx, target, "rev-parse", "fetch_"+r.ref); err != nil {
		return fmt.Errorf("REPOREFS don't match: %s is there already, with another ref than %s", r.dest, r.ref)
	}
	return nil
}

func (w *repositories) cloneGit(ctx context.Context, r repository, place string) error {
	target := w.target(r)
	steps := [][]string{
		{"clone", "-q", place, target},
		{"-C", target, "fetch", "-q", place, r.ref + ":fetch_" + r.ref},
		{"-C", target, "reset", "-q", "--hard", "FETCH_HEAD"},
	}
	head := "FETCH_HEAD"
	if r.ref == "*" {
		steps[1] = []string{"-C", target, "fetch", "-q", "--prune", "--update-head-ok", place,
			"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}
		steps, head = steps[:2], "HEAD"
	}
	for _, args := range steps {
		if err := w.c.run(ctx, "git", args...); err != nil {
			return fmt.Errorf("cloning it into the image from the cache at %s (remove that if it is broken): %w", place, err)
		}
	}
	hash, err := w.c.output(ctx, "git", "-C", target, "rev-parse", head)
	if err != nil {
		return fmt.Errorf("asking for the commit: %w", err)
	}
	w.manifest = append(w.manifest, strings.Join([]string{r.name, "git", r.dest, redact(r.location), hash}, " "))
	return nil
}

// git runs git on a repository with its output shown.
func (w *repositories) git(ctx context.Context, repo string, args ...string) error {
	return w.c.run(ctx, "git", append([]string{"--git-dir=" + repo + "/.git"}, args...)...)
}

// quietGit asks git something whose failure is an answer.
func (w *repositories) quietGit(ctx context.Context, repo string, args ...string) error {
	return w.c.runner.Run(ctx, command.Command{
		Path: "git", Args: append([]string{"--git-dir=" + repo + "/.git"}, args...), Env: w.c.env,
		Stdout: io.Discard, Stderr: io.Discard,
	})
}

// try repeats what a network may spoil.
func (w *repositories) try(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		var exit *command.ExitError
		if err == nil || n == gitTries || !errors.As(err, &exit) {
			return err
		}
		w.c.warnf("try %d of %d failed: %v", n, gitTries, err)
		if err := command.Pause(ctx, w.pause); err != nil {
			return err
		}
	}
}
