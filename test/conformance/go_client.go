// Reads a file as a container sees it, with the varlink library of Debian's golang-github-varlink-go-dev.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/varlink/go/varlink"
)

type payload struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Len    int64  `json:"len"`
}

type message struct {
	Message string      `json:"message"`
	Payload interface{} `json:"payload"`
}

type parameters struct {
	Pid       int64    `json:"pid"`
	Namespace []string `json:"namespace"`
	Request   message  `json:"request"`
}

type reply struct {
	Event     string `json:"event"`
	ProcessID int64  `json:"processId"`
	Response  struct {
		Message string `json:"message"`
		Payload []byte `json:"payload"`
	} `json:"response"`
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	pid, err := strconv.ParseInt(os.Args[2], 10, 32)
	if err != nil {
		fail(err)
	}
	connection, err := varlink.NewConnection(ctx, os.Args[1])
	if err != nil {
		fail(err)
	}
	defer connection.Close()
	var answer reply
	err = connection.Call(ctx, "io.nsenterd.SendRequest", parameters{
		Pid:       pid,
		Namespace: []string{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"},
		Request:   message{"readFileRequest", payload{os.Args[3], 0, 4096}},
	}, &answer)
	if err != nil {
		fail(err)
	}
	if answer.Response.Message != "readFileResponse" || answer.ProcessID <= 0 {
		fail(fmt.Errorf("unexpected answer: %+v", answer))
	}
	os.Stdout.Write(answer.Response.Payload)
}
