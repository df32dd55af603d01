//go:build !linux

package main

import "syscall"

// processAttributes puts a command in a group of its own, so that a shell's children end with it.
// Elsewhere than on Linux a command may outlive this process when that is killed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
