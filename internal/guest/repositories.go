// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// repositoriesFile records in the image where sources were put.
const repositoriesFile = "/etc/dib-source-repositories"

// sourceRepositories is source-repositories: it brings what the elements list in
// their source-repository-* files from a cache into the image (element contract
// §4.4). git, tar and file sources come from DIB_IMAGE_CACHE/source-repositories,
// which is brought up to date first unless DIB_OFFLINE is set.
func sourceRepositories(ctx context.Context, c *call) error {
	if c.getenv("NO_SOURCE_REPOSITORIES", "") != "" {
		return nil
	}
	files, err := c.repositoryFiles()
	if err != nil || len(files) == 0 {
		return err
	}
	w, err := c.openRepositories()
	if err != nil {
		return err
	}
	defer w.image.Close()
	return w.bringFiles(ctx, files)
}

// bringFiles brings all sources of these files, alone on the cache.
func (w *repositories) bringFiles(ctx context.Context, files []string) error {
	release, err := lock(ctx, filepath.Join(w.cache, "repositories_flock"), 600*time.Second)
	if err != nil {
		return err
	}
	defer release()
	for _, file := range files {
		if err := w.bringFile(ctx, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return w.writeManifest()
}

// repositoryFiles lists the merged tree's source-repository files by name.
func (c *call) repositoryFiles() ([]string, error) {
	hooks, err := c.need("TMP_HOOKS_PATH")
	if err != nil {
		return nil, err
	}
	all, err := filepath.Glob(filepath.Join(hooks, "source-repository-*"))
	if err != nil {
		return nil, err
	}
	files := all[:0]
	for _, file := range all {
		if !strings.HasSuffix(file, "~") {
			files = append(files, file)
		}
	}
	return files, nil
}

// repositories is one run of source-repositories.
type repositories struct {
	c        *call
	image    *image
	cache    string
	fetcher  fetcher
	offline  bool
	pause    time.Duration // between tries of a git transfer
	manifest []string
}

func (c *call) openRepositories() (*repositories, error) {
	home, err := c.need("DIB_IMAGE_CACHE")
	if err != nil {
		return nil, err
	}
	img, err := c.openImage()
	if err != nil {
		return nil, err
	}
	if _, set := c.lookupEnv("GIT_TERMINAL_PROMPT"); !set {
		// Nobody sits there who could type a password.
		c.env = append(slices.Clip(c.env), "GIT_TERMINAL_PROMPT=0")
	}
	w := &repositories{
		c: c, image: img, cache: filepath.Join(home, "source-repositories"), fetcher: newFetcher(),
		offline: c.getenv("DIB_OFFLINE", "") != "", pause: 5 * time.Second,
	}
	err = c.adopt(filepath.Join(home, "repository-sources"), w.cache)
	if err == nil {
		err = os.MkdirAll(w.cache, 0o755)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the cache of sources: %w", err), img.Close())
	}
	return w, nil
}

// adopt gives what lies under an older name of the cache its present name.
func (c *call) adopt(old, present string) error {
	was, err := exists(old)
	if err != nil || !was {
		return err
	}
	is, err := exists(present)
	if err != nil {
		return err
	}
	if is {
		c.sayf("Not replacing new cache location with old cache")
		return nil
	}
	return os.Rename(old, present)
}

// bringFile brings all sources of a file.
func (w *repositories) bringFile(ctx context.Context, file string) error {
	lines, err := w.c.evaluateLines(ctx, file)
	if err != nil {
		return err
	}
	for i, line := range lines {
		w.c.sayf("(%04d / %04d)", i+1, len(lines))
		r, err := parseRepository(line, w.c.getenv)
		if err != nil {
			return err
		}
		if err := w.bring(ctx, r); err != nil {
			return fmt.Errorf("source %s: %w", r.name, err)
		}
	}
	return nil
}

// bring brings one source, unless its install type is another than source.
func (w *repositories) bring(ctx context.Context, r repository) error {
	preset := w.c.getenv("DIB_DEFAULT_INSTALLTYPE", "source")
	if w.c.getenv(installTypePrefix+r.variable(), preset) != "source" {
		w.c.sayf("%s install type not set to source", r.name)
		return nil
	}
	var err error
	switch {
	case r.kind != "git" && r.kind != "tar" && r.kind != "file":
		return fmt.Errorf("type: Unsupported repository type: %s; set %s%s=package where it comes as a package", r.kind, installTypePrefix, r.variable())
	case r.location == "" || r.dest == "":
		return errors.New("the line lacks a destination or a location; it must be: NAME TYPE /DESTINATION LOCATION [REF]")
	case r.kind == "git":
		err = w.bringGit(ctx, r)
	case r.kind == "tar":
		err = w.bringTar(ctx, r)
	default:
		err = w.bringPlainFile(ctx, r)
	}
	if err != nil {
		return err
	}
	return w.image.appendLine(repositoriesFile, r.dest)
}

// cached returns the place of a source in the cache.
func (w *repositories) cached(r repository) (string, error) {
	place := filepath.Join(w.cache, r.cacheName())
	return place, w.c.adopt(filepath.Join(w.cache, r.digest()), place)
}

// download brings a file of the cache up to date; offline a copy is good as it is.
func (w *repositories) download(ctx context.Context, r repository) (string, error) {
	place, err := w.cached(r)
	if err != nil {
		return "", err
	}
	w.c.sayf("Caching %s from %s in %s", r.name, redact(r.location), place)
	there, err := exists(place)
	if err != nil || there && w.offline {
		return place, err
	}
	return place, w.offlineHint(w.c.cache(ctx, w.fetcher, r.location, place, false), place)
}

func (w *repositories) bringPlainFile(ctx context.Context, r repository) error {
	place, err := w.download(ctx, r)
	if err != nil {
		return err
	}
	in, err := os.Open(place)
	if err != nil {
		return err
	}
	defer in.Close()
	return w.image.fill(r.dest, os.O_TRUNC, 0o644, func(out io.Writer) error {
		_, err := io.Copy(out, in)
		return err
	})
}

// target is a source's destination on this host.
func (w *repositories) target(r repository) string { return filepath.Join(w.image.dir, inside(r.dest)) }

// bringTar unpacks a tarball beside its destination's tree and copies the part
// that ref names: "." is all, "*" the content of every top-level directory.
func (w *repositories) bringTar(ctx context.Context, r repository) error {
	if r.ref == "*" {
		w.c.warnf("source %s: the ref '*' of tarballs is deprecated; name the directory inside, or '.' for everything", r.name)
	}
	if !filepath.IsLocal(r.ref) {
		return fmt.Errorf("the ref %q leads out of the tarball", r.ref)
	}
	place, err := w.download(ctx, r)
	if err != nil {
		return err
	}
	if err := errors.Join(w.image.mkdir("/tmp"), w.image.mkdir(r.dest)); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Join(w.image.dir, "tmp"), "source-repository-")
	if err != nil {
		return err
	}
	return errors.Join(w.unpack(ctx, r, place, dir), os.RemoveAll(dir))
}

// unpack takes the wanted part out of a tarball. One that is broken would stay so, as
// the server does not send again what has not changed; so it is asked for it once more.
func (w *repositories) unpack(ctx context.Context, r repository, tarball, dir string) error {
	err := w.c.run(ctx, "tar", "-C", dir, "-xzf", tarball)
	if err != nil && !w.offline {
		w.c.warnf("source %s: the copy in the cache cannot be unpacked; fetching it anew", r.name)
		if err = w.c.cache(ctx, w.fetcher, r.location, tarball, true); err == nil {
			err = w.c.run(ctx, "tar", "-C", dir, "-xzf", tarball)
		}
	}
	if err != nil {
		return fmt.Errorf("unpacking %s, which came from %s: %w", tarball, redact(r.location), err)
	}
	parts, err := filepath.Glob(filepath.Join(dir, r.ref))
	if err != nil {
		return fmt.Errorf("the ref %q: %w", r.ref, err)
	}
	copied := false
	for _, part := range parts {
		if info, err := os.Stat(part); err != nil || !info.IsDir() {
			continue
		}
		copied = true
		if err := w.c.run(ctx, "cp", "-a", "--", part+"/.", w.target(r)); err != nil {
			return fmt.Errorf("copying it into the image: %w", err)
		}
	}
	if !copied {
		return fmt.Errorf("the tarball holds no directory %q", r.ref)
	}
	return nil
}

// writeManifest records the commits of git sources in the image, if there are any.
func (w *repositories) writeManifest() error {
	if len(w.manifest) == 0 {
		return nil
	}
	name := "dib-manifest-git-" + path.Base(w.c.getenv("IMAGE_NAME", "image"))
	doc := strings.Join(w.manifest, "\n") + "\n"
	return w.image.write(path.Join(w.c.manifestDir(), name), []byte(doc), 0o644)
}

// lock takes an exclusive lock on a file, waiting for it no longer than limit.
func lock(ctx context.Context, file string, limit time.Duration) (release func(), err error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening a lock: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for {
		got, err := lockFile(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("locking %s: %w", file, err), f.Close())
		}
		if got {
			return func() { _ = f.Close() }, nil // closing gives the lock back
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("another build has held %s for %s: %w", file, limit, ctx.Err()), f.Close())
		case <-retry.C:
		}
	}
}
