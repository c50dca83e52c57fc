# Libraries that Debian packages, each an INTERFACE target named as its project names it; their headers are SYSTEM.
# libtorch and Arrow come from the wheels in HEARTH_DEPS and are in torch.cmake and arrow.cmake.

# debian_library(TARGET MODULE PACKAGE): by pkg-config; PACKAGE is what a machine without it must install.
function(debian_library target module package)
  pkg_check_modules(${target} IMPORTED_TARGET GLOBAL ${module})
  if(NOT ${target}_FOUND)
    message(FATAL_ERROR "${module} is not here: apt install ${package}")
  endif()
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE PkgConfig::${target})
endfunction()

find_package(OpenSSL)
if(NOT OPENSSL_FOUND)
  message(FATAL_ERROR "OpenSSL is not here: apt install libssl-dev")
endif()
debian_library(simdjson simdjson libsimdjson-dev)
debian_library(onig oniguruma libonig-dev)
if(HEARTH_PYTHON)
  return()
endif()
debian_library(curl libcurl libcurl4-openssl-dev)
debian_library(zlib zlib zlib1g-dev)
debian_library(sqlite3 sqlite3 libsqlite3-dev)
debian_library(pq libpq libpq-dev)
debian_library(git2 libgit2 libgit2-dev)
debian_library(argon2 libargon2 libargon2-dev)
debian_library(yaml-cpp yaml-cpp libyaml-cpp-dev)
debian_library(lz4 liblz4 liblz4-dev)
debian_library(qrencode libqrencode libqrencode-dev)

# Boost.Asio and Beast are headers only.
add_library(boost_asio INTERFACE)
target_compile_definitions(boost_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)

# Markdown: the library ships no pkg-config entry for its extensions.
add_library(cmark-gfm INTERFACE)
target_link_libraries(cmark-gfm INTERFACE -lcmark-gfm-extensions -lcmark-gfm)  # a bare cmark-gfm would be this target
