// Reads a file as a container sees it, with the library and without a daemon. As root:
//   read-file PID PATH [AGENT]
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include <nsenterd/service.hpp>

namespace {

/// The payload of a readFileResponse is the bytes in base64; this shows it as it is.
int show(const nsenterd::Message& response) {
  std::cout << response.payload.dump() << '\n';
  return response.type == "readFileResponse" ? EXIT_SUCCESS : EXIT_FAILURE;
}

int read_file(pid_t pid, const char* path, const char* agent) {
  boost::asio::io_context context;
  auto service = nsenterd::NSenterService::create(context.get_executor(), {.agent = agent});
  if (!service) {
    std::cerr << to_string(service.error()) << '\n';
    return EXIT_FAILURE;
  }
  nsenterd::Message request{"readFileRequest", {{"file", path}, {"offset", 0}, {"len", 65536}}};
  auto event = service->new_event(pid, 0, 0, nsenterd::Namespaces::all(), 0, std::move(request), {}, false);
  int status = EXIT_FAILURE;
  service->send_request(event, [&](const nsenterd::Result<void>& done) {
    if (done) {
      status = show(event.response());
    } else {
      std::cerr << to_string(done.error()) << '\n';
    }
    context.stop();
  });
  context.run();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  pid_t pid = 0;
  const std::string_view number(argc > 2 ? argv[1] : "");
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), pid);
  if (argc < 3 || argc > 4 || error != std::errc() || end != number.data() + number.size()) {
    std::cerr << "usage: read-file PID PATH [AGENT]\n";
    return 2;
  }
  return read_file(pid, argv[2], argc == 4 ? argv[3] : "/usr/local/libexec/nsenter-agent");
}
