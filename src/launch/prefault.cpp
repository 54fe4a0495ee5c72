#include "launch/prefault.hpp"

namespace nsenterd::launch {

void prefault_program() noexcept {}

}  // namespace nsenterd::launch
