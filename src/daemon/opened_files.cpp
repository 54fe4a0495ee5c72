#include "daemon/opened_files.hpp"

#include <optional>
#include <string>

namespace nsenterd::daemon {

Result<std::vector<base::ForeignFd>> take_opened_files(varlink::Call& call,
                                                       const SendRequestParameters& parameters,
                                                       EventParameters& event) {
  std::vector<base::ForeignFd> taken;
  std::optional<std::string> wrong;
  const auto take = [&](std::size_t index, int& out, const std::string& parameter) {
    base::ForeignFd descriptor = call.take_descriptor(index);
    if (!descriptor && !wrong) wrong = parameter;
    out = descriptor.get();
    taken.push_back(std::move(descriptor));
  };
  for (const Namespace kind : kAllNamespaces) {
    const int index = parameters.namespace_descriptors[kind];
    if (index < 0) continue;
    take(static_cast<std::size_t>(index), event.namespace_descriptors[kind],
         "namespaceFileDescriptors." + Namespaces{kind}.names());
  }
  if (parameters.root_descriptor) take(*parameters.root_descriptor, event.root, "rootFileDescriptor");
  if (parameters.working_directory_descriptor) {
    take(*parameters.working_directory_descriptor, event.working_directory, "workingDirectoryFileDescriptor");
  }
  if (wrong) return Failure(InvalidParameter{*wrong});
  return taken;
}

}  // namespace nsenterd::daemon
