//go:build tools

// Package tools names the command that is built from this module, so that `go mod tidy` keeps
// what it needs in go.mod and go.sum.
package tools

import _ "go.k6.io/k6"
