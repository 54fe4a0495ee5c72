// Whose namespaces a request is made in, for whom, and several requests at once.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <nsenterd/namespaces.hpp>

#include "ways.hpp"

namespace client_messages {

using nsenterd::Envelope;
using nsenterd::Namespace;
using nsenterd::Namespaces;
using nsenterd::UniqueFd;
using namespace nsenterd::requests;

// A process id may be another process's a moment later; a pidfd never is. It stays ours, and may be used for any number of requests.
std::string target_by_pidfd(Container& container) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, container.pid, 0)));
  expect(static_cast<bool>(pidfd), "there is no such process");
  const Envelope envelope{.target = nsenterd::TargetPidfd{pidfd.get()}, .namespaces = Namespaces::all()};
  const std::string content = container.client.request(envelope, ReadFile{.path = kFile}).value();
  expect(content == kContent, "not what was written");
  return "read " + std::to_string(content.size()) + " bytes";
}

// Namespaces that somebody holds open can be entered when there is no process in them any more. (But for a pid namespace: nobody enters
// that of an init that has ended.)
std::string namespaces_held_open(Container& container) {
  const UniqueFd user = nsenterd::open_namespace(container.pid, Namespace::user).value();
  const UniqueFd mounts = nsenterd::open_namespace(container.pid, Namespace::mnt).value();
  Envelope envelope;
  envelope.namespace_descriptors[Namespace::user] = user.get();
  envelope.namespace_descriptors[Namespace::mnt] = mounts.get();
  const FileInfo info = container.client.request(envelope, Lookup{.path = kFile}).value();
  return "found " + info.name + " in namespaces without a target";
}

// The agent takes the place of somebody, and the kernel decides whether he may. Here the user and the group of the container's process,
// without any capability: as our user namespace numbers them, which is what stat(2) says.
std::string on_behalf(Container& container) {
  struct stat process {};
  expect(::stat(("/proc/" + std::to_string(container.pid)).c_str(), &process) == 0, "the process has ended");
  Envelope envelope = container.envelope;
  envelope.uid = process.st_uid;
  envelope.gid = process.st_gid;
  const ReadFile request{.path = kFile, .personality = Personality{.root = "/", .cwd = "/"}};
  const std::string content = container.client.request(envelope, request).value();
  expect(content == kContent, "not what was written");
  return "read " + std::to_string(content.size()) + " bytes as user " + std::to_string(process.st_uid);
}

// One agent runs them one after the other, until one fails.
std::string several_requests(Container& container) {
  Envelope envelope = container.envelope;
  envelope.following_requests = {ReadFile{.path = kFile}.message(), Lookup{.path = "/none"}.message(),
                                 Lookup{.path = "/"}.message()};
  auto response = container.client.send_request(envelope, Lookup{.path = kFile}.message()).value();
  const FileInfo info = Lookup::decode(response).value();
  expect(response.following.size() == 2, "the list did not end with the one that failed");
  nsenterd::Response second{.message = response.following[0]};
  const std::string content = ReadFile::decode(second).value();
  expect(info.status.st_size == static_cast<off_t>(content.size()), "another size");
  expect(response.following[1].type == "errorResponse", "/none is there");
  return "found and read " + info.name;
}

}  // namespace client_messages
