package main

import "syscall"

// processAttributes puts a command in a group of its own, so that a shell's children end with it,
// and has the kernel end the command when this process is killed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
