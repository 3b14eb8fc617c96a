// Package posixtest runs go-fuse's POSIX checks in the directory that POSIXTEST_DIR names.
package posixtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"
)

func TestPosix(t *testing.T) {
	for name, check := range posixtest.All {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(os.Getenv("POSIXTEST_DIR"), name)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			check(t, dir)
		})
	}
}
