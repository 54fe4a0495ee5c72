// Ways that take turns within one run, so that whatever else the machine does meets all of them alike.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "way.hpp"

namespace nsenterd::bench {

struct Contender {
  std::string name;
  std::unique_ptr<Way> way;
  /// Does one event where others do so many.
  std::size_t share = 1;
  Samples samples = {};
};

/// Events that are not counted: a batch of each.
void warm_up(std::vector<Contender>& contenders, std::size_t batch);

/// Of each way as many events as its share of `events` is, in batches. Throws if it is interrupted.
void measure(std::vector<Contender>& contenders, std::size_t events, std::size_t batch);

}  // namespace nsenterd::bench
