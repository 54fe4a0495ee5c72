// The modules that the tests run: what happens inside the containers.
#pragma once

namespace nsenterd::test {

/// To be called before init().
void register_modules();

/// Environment variable that the tests set before the fork server is started.
inline constexpr char kVariable[] = "NSENTERD_MODULE_TEST";

}  // namespace nsenterd::test
