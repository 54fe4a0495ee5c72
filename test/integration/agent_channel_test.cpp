// AgentChannel: frames as they were sent, wherever the kernel cuts what arrives.
#include "service/agent_channel.hpp"

#include <array>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>

#include "support/catch.hpp"

namespace nsenterd::test {
namespace {

using service::AgentChannel;
using service::Frame;
using wire::FrameKind;

struct ChannelFixture {
  ChannelFixture() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    agent.reset(ends[1]);
    REQUIRE(channel->open(UniqueFd(ends[0])).has_value());
  }

  void send(const std::string& body, int descriptor = -1) const {
    REQUIRE(
        wire::send_frame(agent.get(), FrameKind::response, body, {&descriptor, descriptor >= 0 ? 1U : 0U}));
  }
  std::vector<Frame> receive() const {
    std::vector<Frame> frames;
    while (auto frame = channel->receive()) frames.push_back(std::move(*frame));
    return frames;
  }

  boost::asio::io_context context;
  UniqueFd agent;
  std::shared_ptr<AgentChannel> channel = std::make_shared<AgentChannel>(context.get_executor(), nullptr);
  UniqueFd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
};

TEST_CASE("Frames that have arrived together are taken one after the other") {
  const ChannelFixture fixture;
  for (const char* body : {"one", "", "three"}) fixture.send(body);
  const auto frames = fixture.receive();
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].body == "one");
  CHECK(frames[1].body.empty());
  CHECK(frames[2].body == "three");
  for (const Frame& frame : frames) CHECK(frame.descriptors.empty());
}

TEST_CASE("A descriptor is that of the frame which it was sent with, wherever what is read ends") {
  // What is read at once ends somewhere in the frame before it, in it, or in the one after it.
  for (const std::size_t length :
       {0U, 1U, 3000U, 4000U, 4070U, 4080U, 4085U, 4088U, 4090U, 4095U, 4096U, 9000U}) {
    CAPTURE(length);
    const ChannelFixture fixture;
    fixture.send(std::string(length, 'a'));
    fixture.send("with a descriptor", fixture.file.get());
    fixture.send("without");
    fixture.send("");
    const auto frames = fixture.receive();
    REQUIRE(frames.size() == 4);
    CHECK(frames[0].body.size() == length);
    CHECK(frames[1].body == "with a descriptor");
    CHECK(frames[2].body == "without");
    for (std::size_t i = 0; i < frames.size(); ++i) CHECK(frames[i].descriptors.size() == (i == 1 ? 1 : 0));
  }
}

TEST_CASE("A frame with a descriptor may come first, last, or in parts") {
  const ChannelFixture fixture;
  fixture.send("first", fixture.file.get());
  fixture.send("second");
  auto frames = fixture.receive();
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].descriptors.size() == 1);
  CHECK(frames[1].descriptors.empty());

  const std::string large(1U << 20U, 'x');
  std::thread agent([&] {
    wire::send_frame(fixture.agent.get(), FrameKind::response, "first");
    const int file = fixture.file.get();
    wire::send_frame(fixture.agent.get(), FrameKind::response, large, {&file, 1});
    wire::send_frame(fixture.agent.get(), FrameKind::response, "last");
  });
  frames.clear();
  while (frames.size() < 3) {
    for (Frame& frame : fixture.receive()) frames.push_back(std::move(frame));
  }
  agent.join();
  CHECK(frames[0].descriptors.empty());
  CHECK(frames[1].body == large);
  CHECK(frames[1].descriptors.size() == 1);
  CHECK(frames[2].descriptors.empty());
}

}  // namespace
}  // namespace nsenterd::test
