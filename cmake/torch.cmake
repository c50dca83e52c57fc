# libtorch from the wheel `torch`. Only the room aten/ links it, and only aten/ sees its headers (design, section 3).
# The wheel's own CMake package also looks for CUDA toolkits and sets global flags; its paths are all that is needed.
set(torch_folder ${HEARTH_DEPS}/python/lib/python3.11/site-packages/torch)
foreach(library c10 torch_cpu)
  if(NOT EXISTS ${torch_folder}/lib/lib${library}.so)
    message(FATAL_ERROR "libtorch is not in ${torch_folder}: run scripts/setup build")
  endif()
  add_library(${library} SHARED IMPORTED GLOBAL)
  set_target_properties(${library} PROPERTIES IMPORTED_LOCATION ${torch_folder}/lib/lib${library}.so
                        INTERFACE_INCLUDE_DIRECTORIES ${torch_folder}/include)
endforeach()
add_library(torch INTERFACE)
target_link_libraries(torch INTERFACE torch_cpu c10)
