//! From each rule to the tests that hold it.

use super::Missing::{EditCommand, NeedsBody, NeedsResponse};
use super::Rule::{self, Held, NotYet};

pub(super) const TABLE: &[(&str, Rule)] = &[
    (
        "CT-01",
        Held(&[
            "changes::ct_01_to_ct_05_a_title_is_set_by_oneself_or_by_who_may_and_only_one_of_the_catalogue",
            "classtag/titles::ct_01_everybody_on_the_staff_sets_their_own_title",
        ]),
    ),
    ("CT-02", Held(&["classtag/titles::ct_02_a_title_must_be_in_the_catalogue_with_its_category"])),
    ("CT-03", Held(&["classtag/titles::ct_03_the_catalogue_has_twenty_titles_in_five_categories"])),
    ("CT-04", Held(&["classtag/titles::ct_04_a_title_is_of_one_person_at_one_school"])),
    (
        "CT-05",
        Held(&[
            "changes::ct_01_to_ct_05_a_title_is_set_by_oneself_or_by_who_may_and_only_one_of_the_catalogue",
            "classtag/titles::ct_05_the_title_of_another_is_for_rostering_administrators",
        ]),
    ),
    (
        "CT-06",
        Held(&[
            "changes::ct_06_and_ct_08_permissions_are_set_by_who_may_set_them_where_the_other_is_staff",
            "classtag::ct_06_custom_permissions_are_changed_by_permissions_admins",
        ]),
    ),
    ("CT-07", Held(&["classtag::ct_07_one_save_with_title_and_permissions_needs_both_rights"])),
    (
        "CT-08",
        Held(&[
            "changes::ct_08_a_role_is_given_where_the_giver_holds_theirs_and_below",
            "changes::ct_06_and_ct_08_permissions_are_set_by_who_may_set_them_where_the_other_is_staff",
            "classtag::ct_08_the_school_of_the_other_decides_and_a_district_has_all_of_its_schools",
        ]),
    ),
    ("CT-09", Held(&["classtag::ct_09_permissions_admins_change_permissions_of_staff"])),
    ("CT-10", Held(&["classtag::ct_10_schoolwide_communications_is_writing_to_the_school"])),
    (
        "CT-11",
        Held(&[
            "classtag::ct_11_rostering_administrators_manage_directory_students_staff_classrooms_guardians_and_titles",
        ]),
    ),
    ("CT-12", Held(&["classtag::ct_12_content_moderators_see_flagged_content_and_deal_with_it"])),
    ("CT-13", Held(&["classtag::ct_13_users_managers_change_accounts_that_are_in_use"])),
    (
        "CT-14",
        Held(&[
            "classtag::ct_14_family_access_is_directories_and_seeing_and_writing_to_students_and_families",
        ]),
    ),
    (
        "CT-15",
        Held(&[
            "changes/oneself::ct_15_and_ct_16_nobody_takes_a_permission_from_themselves",
            "changes/oneself::ct_15_a_set_leaves_out_neither_an_option_nor_a_set_beside_it_nor_a_module_that_is_on",
            "classtag::ct_15_nobody_takes_a_permission_from_themselves",
            "classtag::ct_15_adding_to_oneself_is_marked_or_refused_where_the_domain_says_so",
        ]),
    ),
    (
        "CT-16",
        Held(&[
            "changes/oneself::ct_15_and_ct_16_nobody_takes_a_permission_from_themselves",
            "changes/oneself::ct_16_whatever_a_role_carries_is_not_taken_from_oneself",
            "classtag::ct_16_in_whatever_words_it_is_said",
        ]),
    ),
    (
        "CT-17",
        Held(&[
            "changes::ct_17_a_permission_is_taken_from_somebody_else",
            "classtag::ct_17_another_permissions_admin_may_be_left_with_nothing",
        ]),
    ),
    (
        "CT-18",
        Held(&["classtag/plans::ct_18_on_the_free_plan_everybody_has_the_same_three_whatever_is_stored"]),
    ),
    (
        "CT-19",
        Held(&[
            "changes::ct_19_and_ct_20_a_plan_fixes_or_bounds_the_set_whoever_asks",
            "classtag/plans::ct_19_nobody_changes_permissions_on_the_free_plan",
        ]),
    ),
    (
        "CT-20",
        Held(&[
            "changes::ct_19_and_ct_20_a_plan_fixes_or_bounds_the_set_whoever_asks",
            "classtag/plans::ct_20_with_connect_each_of_64_sets_is_had_as_it_is_stored",
        ]),
    ),
    (
        "CT-21",
        Held(&[
            "classtag/plans::ct_21_staff_without_a_permission_read_what_is_announced_and_nothing_about_students",
        ]),
    ),
    ("CT-22", Held(&["classtag/plans::ct_22_a_school_leader_starts_with_four"])),
    ("CT-23", Held(&["classtag/plans::ct_23_a_school_teacher_starts_with_family_access"])),
    ("CT-24", Held(&["classtag/plans::ct_24_everybody_else_starts_with_nothing"])),
    ("CT-25", Held(&["classtag::ct_25_a_change_of_title_changes_no_permission"])),
    ("CT-26", NotYet(EditCommand)),
    ("CT-27", NotYet(EditCommand)),
    ("CT-28", NotYet(EditCommand)),
    ("CT-29", Held(&["classtag::ct_29_a_permissions_admin_adds_what_the_sync_left_out"])),
    ("CT-30", NotYet(EditCommand)),
    ("CT-31", NotYet(EditCommand)),
    ("CT-32", NotYet(EditCommand)),
    ("CT-33", NotYet(EditCommand)),
    ("CT-34", Held(&["classtag::the_sync_adds_people_and_changes_no_set"])),
    ("CT-35", NotYet(EditCommand)),
    ("CT-36", NotYet(EditCommand)),
    (
        "CT-37",
        Held(&[
            "classtag::ct_37_a_title_makes_nobody_customise_others",
            "classtag::ct_37_whoever_adds_staff_adds_nobody_above_themselves",
        ]),
    ),
    (
        "CL-01",
        Held(&[
            "clever_sharing::cl_01_the_districts_administrator_alone_changes_what_is_shared",
            "records::only_a_district_administrator_changes_sharing",
        ]),
    ),
    (
        "CL-02",
        Held(&[
            "clever_sharing::cl_02_a_type_that_is_not_shared_is_refused_and_one_of_it_does_not_exist",
            "records::a_type_that_is_not_shared_or_off_is_not_released",
            "records/routes::a_type_that_is_not_shared_is_refused_to_applications",
            "records_proxy::a_type_that_is_not_shared_is_403_and_one_record_of_it_does_not_exist",
        ]),
    ),
    (
        "CL-03",
        Held(&[
            "clever_sharing::cl_03_each_of_the_eight_types_of_records_is_switched_by_itself",
            "records::each_of_the_eight_types_is_on_or_off_by_itself",
        ]),
    ),
    (
        "CL-04",
        Held(&[
            "clever_sharing::cl_04_schools_staff_and_sections_are_shared_by_selection",
            "records::schools_staff_and_sections_are_shared_by_selection",
        ]),
    ),
    (
        "CL-05",
        Held(&[
            "clever_sharing::cl_05_a_record_is_visible_with_its_parents_only",
            "records::a_record_is_visible_only_if_a_parent_of_each_type_is",
            "records::of_several_types_of_parents_one_of_each_must_be_visible",
            "records::a_list_of_references_to_a_type_that_is_not_shared_is_removed_as_a_field",
        ]),
    ),
    (
        "CL-06",
        Held(&[
            "clever_sharing::cl_06_a_section_implies_its_students_where_that_is_written_and_nowhere_else",
            "records::nothing_is_implied_unless_it_is_written",
        ]),
    ),
    (
        "CL-07",
        Held(&[
            "clever_sharing::cl_07_the_statuses_are_shared_one_by_one",
            "records::sensitive_fields_are_removed_at_every_depth_unless_each_is_written_out",
        ]),
    ),
    (
        "CL-08",
        Held(&[
            "clever_sharing::cl_08_custom_fields_are_shared_by_name",
            "records::extension_fields_have_a_rule_of_their_own",
        ]),
    ),
    (
        "CL-09",
        Held(&[
            "clever_sharing::cl_09_each_type_has_a_list_of_its_own_and_does_not_load_without",
            "records::each_type_has_its_own_list_of_fields",
        ]),
    ),
    (
        "CL-10",
        Held(&[
            "clever_sharing::cl_10_a_contact_must_be_of_the_type_and_stand_in_the_relationship",
            "records::contacts_are_filtered_by_type_and_relationship_and_keep_the_links_that_match",
        ]),
    ),
    (
        "CL-11",
        Held(&[
            "clever_sharing::cl_11_of_several_relationships_those_that_match_stay_and_without_any_the_contact_goes",
            "records::contacts_are_filtered_by_type_and_relationship_and_keep_the_links_that_match",
        ]),
    ),
    (
        "CL-12",
        Held(&[
            "clever_sharing::cl_12_without_contacts_there_are_none_and_no_requests_for_them",
            "records::a_list_of_references_to_a_type_that_is_not_shared_is_removed_as_a_field",
            "records::contacts_that_are_off_leave_nothing",
        ]),
    ),
    (
        "CL-13",
        Held(&[
            "clever_sharing::cl_13_without_district_administrators_there_are_none_as_records_or_inside_of_others",
            "records::a_list_of_references_to_a_type_that_is_not_shared_is_removed_as_a_field",
            "records::district_admins_that_are_off_are_gone_from_other_records_too",
        ]),
    ),
    (
        "CL-14",
        Held(&[
            "clever_sharing::cl_14_a_change_of_what_is_shared_takes_effect_whole_or_not_at_all",
            "records::a_sharing_with_one_mistake_takes_no_effect_at_all",
        ]),
    ),
    ("CL-15", NotYet(NeedsBody)),
    (
        "CL-16",
        Held(&[
            "archived::cl_16_a_role_in_an_archived_class_is_held_and_grants_nothing",
            "archived::cl_16_broader_roles_go_on_in_an_archived_class",
            "clever_sharing::cl_16_in_an_archived_section_its_own_roles_count_for_nothing",
        ]),
    ),
    (
        "CL-17",
        Held(&[
            "clever_sharing::cl_17_what_is_not_listed_is_not_shared_and_all_covers_nothing_sensitive",
            "records::all_never_covers_what_is_sensitive_and_nothing_that_is_not_in_the_catalogue",
        ]),
    ),
    ("CL-18", Held(&["records::operators_read_what_is_shared_with_whom"])),
    (
        "CL-19",
        Held(&[
            "clever_sharing::cl_19_a_query_that_names_a_field_is_not_among_those_that_are_let_through",
            "records_proxy::a_filtered_route_takes_only_the_parameters_that_it_lists",
        ]),
    ),
    ("CL-20", NotYet(NeedsResponse)),
    ("CL-21", NotYet(NeedsResponse)),
    ("CL-22", NotYet(NeedsBody)),
    ("CL-23", NotYet(NeedsResponse)),
    ("TD-01", Held(&["toddle::td_01_a_permission_is_one_action_and_a_role_a_bundle_of_them"])),
    ("TD-02", Held(&["toddle::td_02_a_change_of_a_role_is_a_change_for_all_who_hold_it"])),
    (
        "TD-03",
        Held(&[
            "toddle::td_03_one_person_has_another_role_at_each_of_three_levels",
            "toddle::td_03_the_levels_are_data",
        ]),
    ),
    ("TD-04", Held(&["toddle::td_04_staff_without_an_account_role_are_warned_of_and_denied_everything"])),
    ("TD-05", Held(&["toddle::td_05_the_next_broader_role_decides_where_none_is_held"])),
    (
        "TD-06",
        Held(&[
            "toddle::td_06_the_class_role_replaces_the_programme_role_for_better_and_for_worse",
            "toddle::td_06_even_a_super_admin_is_replaced_by_a_narrower_role",
        ]),
    ),
    ("TD-07", Held(&["toddle::td_07_a_role_in_one_class_is_nothing_in_another"])),
    (
        "TD-08",
        Held(&["toddle::td_08_a_programme_role_holds_in_every_class_of_the_programme_without_a_class_role"]),
    ),
    ("TD-09", Held(&["toddle::td_09_a_programme_role_is_nothing_outside_its_programme"])),
    ("TD-10", Held(&["toddle/permissions::td_10_a_permission_looks_at_roles_of_its_own_level_and_broader"])),
    (
        "TD-11",
        Held(&[
            "toddle/permissions::td_11_a_role_carries_permissions_of_its_own_level_and_narrower_ones",
            "toddle/permissions::td_11_a_role_is_assigned_at_its_own_level_only",
        ]),
    ),
    ("TD-12", Held(&["toddle/permissions::td_12_a_module_that_is_off_takes_all_its_permissions_with_it"])),
    ("TD-13", Held(&["toddle/permissions::td_13_a_module_cannot_be_off_and_keep_its_ticks"])),
    ("TD-14", Held(&["toddle/permissions::td_14_naming_a_permission_is_what_switches_its_module_on"])),
    (
        "TD-15",
        Held(&[
            "model::a_power_permission_may_ask_for_step_up_also_where_it_is_only_required",
            "toddle/permissions::td_15_a_power_permission_is_marked_and_answered_like_any_other",
        ]),
    ),
    (
        "TD-16",
        Held(&[
            "toddle/permissions::td_16_a_linked_permission_works_only_with_the_other",
            "toddle/permissions::td_16_a_circle_of_links_does_not_load",
        ]),
    ),
    ("TD-17", Held(&["toddle/permissions::td_17_a_link_across_levels_is_judged_at_the_level_of_the_other"])),
    (
        "TD-18",
        Held(&["toddle/permissions::td_18_marks_and_links_belong_to_the_permission_and_never_to_a_role"]),
    ),
    ("TD-19", Held(&["toddle/permissions::td_19_the_account_role_must_have_announcements_on_too"])),
    (
        "TD-20",
        Held(&[
            "toddle/permissions::td_20_the_gate_and_the_tick_are_both_needed",
            "toddle/permissions::td_20_a_permission_of_account_roles_alone_is_decided_by_their_tick",
        ]),
    ),
    (
        "TD-21",
        Held(&[
            "changes::td_21_and_td_22_a_locked_role_is_changed_by_nobody",
            "check::td_21_and_td_22_a_locked_role_is_as_the_other_revision_has_it",
            "toddle::td_21_no_route_edits_the_super_admin_role",
        ]),
    ),
    (
        "TD-22",
        Held(&[
            "changes::td_21_and_td_22_a_locked_role_is_changed_by_nobody",
            "check::td_21_and_td_22_a_locked_role_is_as_the_other_revision_has_it",
            "toddle::td_22_no_route_deletes_a_role",
        ]),
    ),
    (
        "TD-23",
        Held(&[
            "changes::td_23_and_sp_22_a_role_is_given_by_holders_of_the_roles_that_it_names_alone",
            "toddle::td_23_only_super_admins_make_super_admins",
            "toddle::td_23_super_admins_can_do_everything_where_they_hold_no_narrower_role",
        ]),
    ),
    ("TD-24", Held(&["toddle/templates::td_24_an_account_supervisor_sees_everything_and_changes_nothing"])),
    ("TD-25", Held(&["toddle/templates::td_25_an_it_admin_manages_people_classes_subjects_and_the_sync"])),
    ("TD-26", Held(&["toddle/templates::td_26_a_basic_account_user_has_nothing_of_their_own"])),
    (
        "TD-27",
        Held(&["toddle/templates::td_27_a_programme_admin_manages_the_programme_and_looks_into_its_classes"]),
    ),
    ("TD-28", Held(&["toddle/templates::td_28_a_programme_principal_sees_and_changes_nothing"])),
    (
        "TD-29",
        Held(&[
            "toddle/templates::td_29_a_teacher_has_the_common_part_of_the_programme_and_works_in_the_own_classes",
        ]),
    ),
    ("TD-30", Held(&["toddle/templates::td_30_a_communications_manager_announces_and_writes_messages"])),
    ("TD-31", Held(&["toddle/templates::td_31_an_attendance_manager_sees_trends_and_no_single_class"])),
    ("TD-32", Held(&["toddle/templates::td_32_a_class_teacher_works_with_everything_in_the_class"])),
    (
        "TD-33",
        Held(&[
            "toddle/templates::td_33_an_observer_sees_everything_and_every_request_that_writes_is_refused",
        ]),
    ),
    (
        "TD-34",
        Held(&[
            "toddle/templates::td_34_a_teaching_assistant_grades_marks_attendance_edits_assigned_planners_and_sees_the_rest",
        ]),
    ),
    (
        "TD-35",
        Held(&[
            "toddle/templates::td_35_a_substitute_marks_attendance_and_sees_the_rest_unless_the_school_says_more",
        ]),
    ),
    ("TD-36", Held(&["toddle::td_36_a_substitute_has_the_class_from_the_first_day_to_the_end_of_the_last"])),
    ("TD-37", Held(&["toddle::td_37_a_change_takes_effect_whole_or_not_at_all"])),
    ("TD-38", Held(&["toddle::td_38_gate_link_and_power_are_shown_where_a_decision_is_explained"])),
    ("TD-39", NotYet(EditCommand)),
    ("TD-40", Held(&["toddle::td_40_two_roles_of_one_person_at_one_place_do_not_load"])),
    (
        "TD-41",
        Held(&[
            "toddle::td_41_a_class_in_two_programmes_does_not_load",
            "toddle::td_41_in_a_class_without_a_programme_the_account_role_is_next",
        ]),
    ),
    (
        "TD-42",
        Held(&[
            "model::a_module_that_is_off_at_a_root_is_off_for_everyone_and_beats_base",
            "toddle::td_42_a_module_that_is_off_for_the_school_is_off_whatever_a_role_says",
        ]),
    ),
    ("SP-01", Held(&["school_passport::sp_01_administrative_roles_manage_and_the_others_cannot"])),
    ("SP-02", Held(&["school_passport::sp_02_several_roles_unite"])),
    (
        "SP-03",
        Held(&["school_passport::sp_03_a_district_admin_has_nine_groups_of_permissions_in_the_district"]),
    ),
    ("SP-04", Held(&["school_passport::sp_04_nothing_in_another_district"])),
    (
        "SP-05",
        Held(&[
            "school_passport::sp_05_a_primary_district_admin_has_all_that_a_district_admin_has_and_binds_the_district",
        ]),
    ),
    (
        "SP-06",
        Held(&[
            "school_passport::sp_06_an_ordinary_district_admin_accepts_nothing_and_mends_what_is_wrong_with_the_data",
        ]),
    ),
    (
        "SP-07",
        Held(&["school_passport::sp_07_each_district_has_its_own_assignment_and_none_is_meant_by_all"]),
    ),
    ("SP-08", Held(&["school_passport::sp_08_a_vendor_admin_has_control_over_their_own_product"])),
    (
        "SP-09",
        Held(&[
            "rosters::non_admin_roles_follow_from_the_roster_of_either_version",
            "rosters::a_derived_role_goes_when_the_enrolment_goes",
            "school_passport::sp_09_the_four_roles_come_from_the_roster_and_go_with_it",
        ]),
    ),
    (
        "SP-10",
        Held(&[
            "rosters::non_admin_roles_follow_from_the_roster_of_either_version",
            "school_passport/users::sp_10_there_are_four_roles_for_those_who_use_it",
        ]),
    ),
    (
        "SP-11",
        Held(&[
            "school_passport/users::sp_11_those_who_use_it_manage_apps_in_their_class_or_school_and_nowhere_else",
        ]),
    ),
    (
        "SP-12",
        Held(&[
            "school_passport/users::sp_12_a_teacher_has_apps_codes_and_bookmarks_in_the_classes_that_they_teach",
            "school_passport/users::sp_12_a_code_is_made_for_a_student_of_that_very_class",
        ]),
    ),
    ("SP-13", Held(&["school_passport/users::sp_13_the_appstore_is_an_option_of_a_teacher"])),
    ("SP-14", Held(&["school_passport/users::sp_14_a_school_admin_has_what_a_teacher_has_and_the_school"])),
    (
        "SP-15",
        Held(&[
            "school_passport/users::sp_15_an_included_grant_keeps_its_relation_and_its_option_and_not_its_scope",
        ]),
    ),
    (
        "SP-16",
        Held(&["school_passport/users::sp_16_a_student_opens_the_apps_of_the_class_and_makes_bookmarks"]),
    ),
    ("SP-17", Held(&["school_passport/users::sp_17_a_parent_has_what_a_student_has_and_the_portal"])),
    ("SP-18", Held(&["school_passport/users::sp_18_the_portal_is_about_ones_own_children"])),
    ("SP-19", Held(&["school_passport::sp_19_a_teacher_who_is_a_district_admin_has_both"])),
    ("SP-20", Held(&["school_passport::sp_20_inclusion_goes_on_and_never_in_a_circle"])),
    ("SP-21", Held(&["school_passport::sp_21_an_app_that_is_assigned_to_nobody_is_opened_by_nobody"])),
    (
        "SP-22",
        Held(&[
            "changes::td_23_and_sp_22_a_role_is_given_by_holders_of_the_roles_that_it_names_alone",
            "school_passport::sp_22_nobody_appoints_above_themselves",
            "school_passport::sp_22_a_role_says_who_may_give_it_and_nobody_takes_their_own",
        ]),
    ),
    ("SP-23", Held(&["school_passport::sp_23_a_description_grants_nothing"])),
    ("FM-01", Held(&["forms::fm_01_staff_without_a_role_are_at_none_owner_for_every_form_and_student"])),
    ("FM-02", Held(&["forms::fm_02_whoever_has_no_role_creates_any_form_for_any_student"])),
    ("FM-03", Held(&["forms::fm_03_whoever_has_no_role_has_of_a_document_what_it_gives_them"])),
    (
        "FM-04",
        Held(&["forms::fm_04_a_person_has_any_number_of_roles_and_buildings_belong_to_the_assignment"]),
    ),
    ("FM-05", Held(&["forms/pairs::fm_05_ten_pairs_load_and_six_do_not"])),
    ("FM-06", Held(&["forms/pairs::fm_06_none_none_is_no_access_whatever_the_document_says"])),
    ("FM-07", Held(&["forms/pairs::fm_07_none_view_sees_what_they_were_added_to"])),
    ("FM-08", Held(&["forms/pairs::fm_08_none_edit_edits_what_they_were_added_to"])),
    ("FM-09", Held(&["forms/pairs::fm_09_none_owner_creates_and_has_what_they_were_added_to"])),
    ("FM-10", Held(&["forms/pairs::fm_10_view_view_sees_everything_in_the_buildings_unasked"])),
    ("FM-11", Held(&["forms/pairs::fm_11_view_edit_sees_everything_and_edits_what_they_were_added_to"])),
    ("FM-12", Held(&["forms/pairs::fm_12_view_owner_creates_and_sees_everything"])),
    ("FM-13", Held(&["forms/pairs::fm_13_edit_edit_edits_everything_and_creates_nothing"])),
    ("FM-14", Held(&["forms/pairs::fm_14_edit_owner_creates_and_edits_everything"])),
    ("FM-15", Held(&["forms/pairs::fm_15_owner_owner_creates_and_owns_everything"])),
    ("FM-16", Held(&["forms::fm_16_a_grant_raises_above_the_default_and_never_above_the_max"])),
    ("FM-17", Held(&["forms::fm_17_the_creator_owns_what_they_created_up_to_their_max"])),
    ("FM-18", Held(&["forms::fm_18_nobody_can_be_given_more_than_their_own_max"])),
    ("FM-19", Held(&["forms::fm_19_a_document_goes_only_to_somebody_whose_max_is_owner"])),
    ("FM-20", Held(&["forms::fm_20_creating_needs_a_max_of_owner"])),
    ("FM-21", Held(&["forms::fm_21_a_max_that_is_lowered_caps_grants_and_creations_from_before"])),
    ("FM-22", Held(&["forms::fm_22_owners_and_administrators_add_people_and_editors_do_not"])),
    (
        "FM-23",
        Held(&[
            "forms/buildings::fm_23_the_default_counts_where_the_buildings_of_role_and_student_meet",
            "rosters::students_are_in_the_buildings_that_the_roster_says_on_the_days_that_it_says",
        ]),
    ),
    (
        "FM-24",
        Held(&["forms/buildings::fm_24_outside_the_buildings_the_default_is_none_and_the_best_max_stands"]),
    ),
    (
        "FM-25",
        Held(&[
            "forms/buildings::fm_25_a_role_without_a_building_is_none_owner_and_never_all_buildings",
            "forms::fm_25_an_assignment_that_is_left_out_for_want_of_a_building_is_told",
        ]),
    ),
    (
        "FM-26",
        Held(&["forms/buildings::fm_26_of_several_roles_the_highest_default_and_the_highest_max_hold"]),
    ),
    ("FM-27", Held(&["forms/buildings::fm_27_a_form_that_a_role_does_not_name_is_none_none"])),
    ("FM-28", Held(&["forms/buildings::fm_28_the_name_of_a_form_beats_its_groups_and_they_beat_the_rest"])),
    ("FM-29", Held(&["forms::fm_29_what_is_saved_is_checked_and_nothing_in_between"])),
    (
        "FM-30",
        Held(&["forms::fm_30_nothing_is_created_from_a_deleted_form_and_its_documents_stay_as_they_were"]),
    ),
    ("FM-31", Held(&["forms::fm_31_a_change_of_a_role_is_a_change_for_all_members_and_a_new_title_is_none"])),
    ("FM-32", NotYet(EditCommand)),
    ("FM-33", NotYet(EditCommand)),
    ("FM-34", NotYet(EditCommand)),
    (
        "FM-35",
        Held(&["forms::fm_35_an_assignment_of_a_deleted_role_counts_as_not_there_until_the_role_is_back"]),
    ),
    (
        "FM-36",
        Held(&[
            "forms::fm_36_a_lost_assignment_is_not_read_as_more_rights",
            "forms::fm_36_time_and_suspension_never_widen",
        ]),
    ),
    ("FM-37", Held(&["forms::fm_37_a_lost_building_is_not_read_as_more_rights"])),
    ("FM-38", NotYet(EditCommand)),
    ("FM-39", Held(&["forms::fm_39_only_administrators_manage_roles"])),
    ("FM-40", NotYet(NeedsResponse)),
    ("FM-41", Held(&["forms::fm_41_a_role_carries_reports_beside_its_forms"])),
];
