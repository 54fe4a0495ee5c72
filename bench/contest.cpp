#include "contest.hpp"

#include <algorithm>

#include "interrupt.hpp"

namespace nsenterd::bench {

void warm_up(std::vector<Contender>& contenders, std::size_t batch) {
  for (auto& contender : contenders) {
    check_interrupted();
    Samples ignored;
    contender.way->run(std::max<std::size_t>(batch / contender.share, 1), ignored);
  }
}

void measure(std::vector<Contender>& contenders, std::size_t events, std::size_t batch) {
  for (std::size_t done = 0; done < events; done += batch) {
    const std::size_t next = std::min(done + batch, events);
    for (auto& [name, way, share, samples] : contenders) {
      check_interrupted();
      // Rounded up, so that each does one at least.
      way->run((next + share - 1) / share - (done + share - 1) / share, samples);
    }
  }
}

}  // namespace nsenterd::bench
