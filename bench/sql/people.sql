-- The people of the rig, one JSON object a line, as `autrement sample load` takes them.
SELECT json_build_object(
 'username', u.username, 'dateCreated', u.date_created, 'isActive', u.is_active, 'onboardingComplete', u.onboarding_complete,
 'role', (SELECT json_build_object('roleName', r.role_name, 'description', r.description) FROM roles r WHERE r.id = u.role_id),
 'detail', (SELECT json_build_object('firstName', d.first_name, 'lastName', d.last_name, 'age', d.age, 'email', d.email,
    'phoneNumber', d.phone_number, 'address', d.address) FROM user_details d WHERE d.user_id = u.id),
 'avatar', (SELECT json_build_object('avatarGender', a.avatar_gender, 'avatarAccessories', a.avatar_accessories, 'avatarColor', a.avatar_color,
    'avatarPassions', a.avatar_passions, 'avatarExpression', a.avatar_expression) FROM user_avatar_infos a WHERE a.user_id = u.id),
 'passions', (SELECT coalesce(json_agg(p.passion_text ORDER BY p."order"), '[]') FROM user_passions p WHERE p.user_id = u.id),
 'plays', json_build_object(
  'scenario_game_data', (SELECT coalesce(json_agg(json_build_object('currentLevel', g.current_level, 'completion', g.completion,
    'json', json_build_object('traits', g.traits, 'penalties', g.penalties)) ORDER BY g.id), '[]') FROM scenario_game_data g WHERE g.user_id = u.id),
  'shape_sequence_game_data', (SELECT coalesce(json_agg(json_build_object('currentLevel', g.current_level, 'completion', g.completion,
    'json', json_build_object('levelResults', g.level_results)) ORDER BY g.id), '[]') FROM shape_sequence_game_data g WHERE g.user_id = u.id),
  'jobs_game_data', (SELECT coalesce(json_agg(json_build_object('completion', g.completion,
    'json', json_build_object('jobChoices', g.job_choices)) ORDER BY g.id), '[]') FROM jobs_game_data g WHERE g.user_id = u.id),
  'speed_game_data', (SELECT coalesce(json_agg(json_build_object('currentLevel', g.current_level, 'completion', g.completion,
    'json', json_build_object('levelStats', g.level_stats)) ORDER BY g.id), '[]') FROM speed_game_data g WHERE g.user_id = u.id),
  'abilities_game_data', (SELECT coalesce(json_agg(json_build_object('completion', g.completion,
    'json', json_build_object('skillAssessment', g.skill_assessment)) ORDER BY g.id), '[]') FROM abilities_game_data g WHERE g.user_id = u.id),
  'skills_game_data', (SELECT coalesce(json_agg(json_build_object('completion', g.completion,
    'json', json_build_object('skillsAssessment', g.skills_assessment)) ORDER BY g.id), '[]') FROM skills_game_data g WHERE g.user_id = u.id),
  'room_env_game_data', (SELECT coalesce(json_agg(json_build_object('completion', g.completion,
    'json', json_build_object('roomData', g.room_data)) ORDER BY g.id), '[]') FROM room_env_game_data g WHERE g.user_id = u.id))
) FROM users u ORDER BY u.id;
